"""Which model judges: ``openai:http://127.0.0.1:8000/v1#model-name`` or ``local:FOLDER``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from mobench.errors import MobenchError

WAYS_TO_ASK = (
    "--judge openai:URL#MODEL asks an OpenAI-compatible endpoint, such as "
    "openai:http://127.0.0.1:8000/v1#MODEL; --judge local:FOLDER asks a model on this disk"
)
LONGEST_NAME = 120
"""Characters of a model's name, at most: it stands in tables."""
KEY_VARIABLES = ("MOBENCH_JUDGE_KEY", "OPENAI_API_KEY")
"""Environment variables that hold a key: the judge's own, and a general one."""


@dataclass(frozen=True)
class JudgeChoice:
    """The judging model that a user chose.

    Attributes:
        kind: ``openai`` for an endpoint, ``local`` for a folder.
        location: The endpoint's address up to ``/v1``, or the folder. No result contains it.
        model: The model's name, as it is served or as its folder is called.
    """

    kind: Literal["openai", "local"]
    location: str
    model: str

    @property
    def on_this_machine(self) -> bool:
        """Whether asking it needs no network."""
        if self.kind == "local":
            return True
        host = urlsplit(self.location).hostname or ""
        with suppress(ValueError):
            return ip_address(host).is_loopback
        return host == "localhost"

    @property
    def option(self) -> str:
        """The value of ``--judge`` that makes this choice."""
        model = f"#{self.model}" if self.kind == "openai" else ""
        return f"{self.kind}:{self.location}{model}"

    @property
    def published_option(self) -> str:
        """The option without address or folder, as results may show it."""
        return f"openai:URL#{self.model}" if self.kind == "openai" else "local:FOLDER"

    def key(self, environment: Mapping[str, str]) -> str:
        """The key to send with every request; empty if there is none that may be sent.

        Args:
            environment: Variables of the process. A general key is kept from an unprotected host.

        Raises:
            MobenchError: The key has characters that no HTTP header can hold.
        """
        own, general = KEY_VARIABLES
        protected = self.location.startswith("https:") or self.on_this_machine
        for variable in (own, general) if protected else (own,):
            key = environment.get(variable, "").strip()
            if not (key.isascii() and key.isprintable()):
                raise MobenchError(
                    f"{variable} holds characters that no key has",
                    "set it to the key alone, without line breaks",
                )
            if key:
                return key
        return ""


def parse_choice(text: str) -> JudgeChoice:
    """Reads the value of ``--judge``.

    Raises:
        MobenchError: The value names no model that could be asked.
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
    raise MobenchError(f"--judge {text}: not a way to ask a model", WAYS_TO_ASK)


def _endpoint(text: str, address: str) -> JudgeChoice:
    address, _, model = address.partition("#")
    unusable = MobenchError(
        f"--judge {text}: {address!r} is not the address of an endpoint", WAYS_TO_ASK
    )
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises if it is no port
    except ValueError:
        raise unusable from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise unusable
    if parts.username or parts.password:
        # Not repeated: what is printed here ends in logs.
        raise MobenchError(
            "--judge: an address must not hold a user or a password",
            "put the key into MOBENCH_JUDGE_KEY or OPENAI_API_KEY",
        )
    if not model:
        raise MobenchError(f"--judge {text}: which model? Its name goes after a '#'", WAYS_TO_ASK)
    if model.startswith(("/", "~", ".")) or "\\" in model:
        raise MobenchError(
            f"--judge {text}: the model is named by a path, and its name is published",
            "serve it under a name: vllm serve … --served-model-name NAME",
        )
    if not model.isprintable() or len(model) > LONGEST_NAME:
        raise MobenchError(
            f"--judge: the model's name {model[:40]!r}… is not one to print", WAYS_TO_ASK
        )
    return JudgeChoice("openai", address.rstrip("/"), model)
