"""``python -m mobench``: the same command line."""

from mobench.cli import main

if __name__ == "__main__":
    main()
