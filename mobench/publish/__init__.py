"""Results in, things to read out: tables, plots and the leaderboard.

Nothing here measures or decides: every number comes from :mod:`mobench.score`. The
submodules are imported one by one, because drawing pulls in matplotlib.
"""
