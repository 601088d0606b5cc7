"""The hub's address, and its errors in words that say what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from mobench.errors import MobenchError, first_line


class HubUnreachableError(MobenchError):
    """The hub could not be reached, or what answered was no hub."""


def endpoint() -> str:
    """Returns the hub's address: ``HF_ENDPOINT``, or the public hub.

    Raises:
        MobenchError: ``HF_ENDPOINT`` is not an address.
    """
    address = _address()
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise MobenchError(
            f"HF_ENDPOINT is not an address: {address!r}",
            "Set it to one such as https://huggingface.co, or unset it.",
        )
    return address


def _address() -> str:
    # Read at each call: the hub's library reads it once, when it is imported.
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


@contextmanager
def explained(repo: str, revision: str, cache: Path | None = None) -> Iterator[None]:
    """Turns what the hub's library raises inside the block into an error that says what to do.

    Args:
        repo: The repository that is asked for.
        revision: Its revision.
        cache: Where files are written to, if any are.

    Raises:
        MobenchError: In place of whatever was raised by the hub's library.
    """
    from huggingface_hub import errors

    # The root of its HTTP library's errors; which library that is depends on its version.
    transport: type[BaseException] = errors.HfHubHTTPError.__bases__[0]
    hub = _address()
    login = "log in (hf auth login, or set HF_TOKEN)"
    try:
        yield
    except errors.GatedRepoError as error:
        raise MobenchError(
            f"{repo} is gated: its owner must let you in (HTTP {error.response.status_code}).",
            f"Ask for access on {hub}/{repo}, then {login} and run again.",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise MobenchError(
            f"{hub} has no repository {repo}, or it is private.",
            f"Check the name; if it is private, {login}.",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise MobenchError(
            f"{repo} has no revision {revision!r} on {hub}.",
            f"See {hub}/{repo}/commits/main for the revisions there are.",
        ) from error
    except errors.HFValidationError as error:
        raise MobenchError(f"{repo!r} is not a repository's name.", "Use org/name.") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        fix = f"{login} and run again" if status in (401, 403) else "wait and run again"
        raise MobenchError(
            f"{hub} refuses {repo} (HTTP {status}).", fix[0].upper() + fix[1:] + "."
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise MobenchError(
                f"The disk is full ({cache})." if cache else "The disk is full.",
                "Make room, or set HF_HOME to another disk; finished files are kept.",
            ) from error
        raise _unreachable(hub, error) from error
    except (transport, ValueError, TypeError, KeyError) as error:
        # The last three: something answered that is no hub, such as a network's log-in page.
        raise _unreachable(hub, error) from error


def _unreachable(hub: str, error: BaseException) -> HubUnreachableError:
    return HubUnreachableError(
        f"{hub} gave no usable answer ({first_line(error)}).",
        "Check the network and HF_ENDPOINT, then run again: finished files are kept.",
    )
