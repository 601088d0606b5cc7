"""Which model judges: ``openai:http://127.0.0.1:8000/v1#model-name`` or ``local:FOLDER``."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from mobench.errors import MobenchError

HOW = (
    "--judge openai:URL#MODEL asks an OpenAI-compatible endpoint, such as "
    "openai:http://127.0.0.1:8000/v1#MODEL; --judge local:FOLDER asks a model on this disk"
)
LONGEST_NAME = 120
"""Characters of a model's name, at most: it stands in tables."""


@dataclass(frozen=True)
class JudgeChoice:
    """A judging model.

    Attributes:
        kind: ``openai`` for an endpoint, ``local`` for a folder.
        where: The endpoint's address up to ``/v1``, or the folder. It is in no result.
        model: The model's name, as it is served or as its folder is called.
    """

    kind: Literal["openai", "local"]
    where: str
    model: str

    @property
    def on_this_machine(self) -> bool:
        """Whether asking it needs no network."""
        if self.kind == "local":
            return True
        host = urlsplit(self.where).hostname or ""
        with suppress(ValueError):
            return ip_address(host).is_loopback
        return host == "localhost"

    @property
    def option(self) -> str:
        """The value of ``--judge`` that asks for the same."""
        model = f"#{self.model}" if self.kind == "openai" else ""
        return f"{self.kind}:{self.where}{model}"

    @property
    def published_option(self) -> str:
        """The same without what is this machine's own."""
        return f"openai:URL#{self.model}" if self.kind == "openai" else "local:FOLDER"


def parse_choice(text: str) -> JudgeChoice:
    """Reads the value of ``--judge``.

    Raises:
        MobenchError: It names no model that could be asked.
    """
    kind, _, rest = text.partition(":")
    if kind == "openai":
        return _endpoint(text, rest)
    if kind == "local" and rest:
        folder = Path(rest).expanduser().absolute()
        if not (folder / "config.json").is_file():
            raise MobenchError(
                f"--judge {text}: {folder} is no model's folder: it has no config.json",
                "give a folder as transformers' save_pretrained writes one, with its tokenizer",
            )
        return JudgeChoice("local", str(folder), folder.name)
    raise MobenchError(f"--judge {text}: not a way to ask a model", HOW)


def _endpoint(text: str, address: str) -> JudgeChoice:
    address, _, model = address.partition("#")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise MobenchError(f"--judge {text}: {address!r} is not the address of an endpoint", HOW)
    if parts.username or parts.password:
        # Not repeated: what is printed here ends in logs.
        raise MobenchError(
            "--judge: an address must not hold a user or a password",
            "put the key into MOBENCH_JUDGE_KEY or OPENAI_API_KEY",
        )
    if not model:
        raise MobenchError(f"--judge {text}: which model? Its name goes after a '#'", HOW)
    if model.startswith(("/", "~", ".")) or "\\" in model:
        raise MobenchError(
            f"--judge {text}: the model is named by a path, and its name is published",
            "serve it under a name: vllm serve … --served-model-name NAME",
        )
    if not model.isprintable() or len(model) > LONGEST_NAME:
        raise MobenchError(f"--judge: the model's name {model[:40]!r}… is not one to print", HOW)
    return JudgeChoice("openai", address.rstrip("/"), model)
