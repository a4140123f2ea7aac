"""Settings from environment variables that start with KONKYO_, or from options. A misspelt one stops the start."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from difflib import SequenceMatcher
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from konkyo.models.errors import complaint
from konkyo.models.files.checkpoint import DIRECTORY

PREFIX = "KONKYO_"

# Similarity from which on a word counts as a misspelling of another.
_ALIKE = 0.75
# Variables that Kubernetes sets in every container. For a service named konkyo they start with KONKYO_.
_ADDRESS = re.compile(r"(tcp|udp|sctp)://")
_INJECTED = re.compile(r"(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
_HOST = re.compile(r"\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE | re.ASCII)
# What may stand in frame-ancestors; a policy knows no address of version 6.
_FRAMING = re.compile(r"(\*|(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*)(:(\d{1,5}|\*))?", re.IGNORECASE | re.ASCII)
# Characters that a header can contain, without commas, and without spaces at either end.
_KEY = re.compile(r"[!-+\--~]([ -+\--~]*[!-+\--~])?")


class Settings(BaseSettings):
    """The HTTP service of Konkyo and its page. Each option is also an environment variable, --port is KONKYO_PORT."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, cli_kebab_case=True, cli_implicit_flags=True
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port to listen on.")
    models: Path = Field(default=DIRECTORY, description="Folder of checkpoints; all of them are loaded.")
    default_model: str = Field(default="paired-3x3", description="The checkpoint that answers if none is named.")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer.")
    max_waiting: int = Field(default=64, ge=0, description="Requests that wait in a worker before it answers 503.")
    api_keys: str = Field(default="", description="API keys, separated by commas; with any, a request needs one.")
    trusted_hosts: str = Field(
        default="*",
        description="Trusted host names, separated by commas; * is any. Unset, a loopback address has its names alone.",
    )
    proxies: str = Field(
        default="",
        description="Addresses or networks of proxies whose X-Forwarded-For names the client, separated by commas; "
        "* is any.",
    )
    frame_ancestors: str = Field(
        default="", description="Hosts whose sites may show the page in a frame, separated by commas."
    )
    docs: bool = Field(default=True, description="Whether /docs and /openapi.json are there.")

    @property
    def keys(self) -> tuple[str, ...]:
        """The API keys."""
        return _listed(self.api_keys)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The trusted host names; ``*`` is any."""
        return _listed(self.trusted_hosts)

    @property
    def framing_hosts(self) -> tuple[str, ...]:
        """The hosts whose sites may show the page in a frame; ``*`` is any."""
        return _listed(self.frame_ancestors)

    @property
    def environment(self) -> dict[str, str]:
        """The settings as environment variables."""
        return {PREFIX + name.upper(): str(value) for name, value in self}

    @field_validator("port", mode="before")
    @classmethod
    def _no_address(cls, port: Any) -> Any:
        """Ignore an address in KONKYO_PORT: Kubernetes has set it, not the operator."""
        return cls.model_fields["port"].default if isinstance(port, str) and _ADDRESS.match(port) else port

    @field_validator("api_keys")
    @classmethod
    def _keys_that_can_be_sent(cls, text: str) -> str:
        if text and not _listed(text):
            raise ValueError("holds no key; leave it empty to let everybody ask")
        if not all(map(_KEY.fullmatch, _listed(text))):
            raise ValueError("holds a key that no header can carry; letters, digits and signs of ASCII are right")
        return text

    @field_validator("trusted_hosts")
    @classmethod
    def _hosts_that_can_be_named(cls, text: str) -> str:
        if not _listed(text):
            raise ValueError("holds no name; * is any")
        if not all(map(_HOST.fullmatch, _listed(text))):
            raise ValueError(
                "holds what is no host name; example.org, *.example.org and * are right, without scheme and port"
            )
        return text

    @field_validator("proxies")
    @classmethod
    def _proxies_that_can_be(cls, text: str) -> str:
        for one in _listed(text):
            with suppress(ValueError):
                if one != "*":
                    ip_network(one)
                continue
            raise ValueError("holds what is no address; 10.0.0.7, 10.0.0.0/8, fd00::/8 and * are right")
        return text

    @field_validator("frame_ancestors")
    @classmethod
    def _hosts_that_can_frame(cls, text: str) -> str:
        if text and not _listed(text):
            raise ValueError("holds no host; leave it empty to be shown in no frame, * is any")
        if not all(map(_FRAMING.fullmatch, _listed(text))):
            raise ValueError(
                "holds what is no host; example.org, *.example.org, example.org:8443 and * are right, without scheme"
            )
        return text

    @model_validator(mode="after")
    def _no_misspelt(self) -> Self:
        for name, meant in misspelt(os.environ):
            raise ValueError(f"{name} is no setting; {meant} is")
        return self


def from_options(arguments: Sequence[str], program: str) -> Settings:
    """The settings, from options before environment variables. ``--help`` and an unknown option end the program."""
    return Settings(_cli_parse_args=list(arguments), _cli_prog_name=program)


def misspelt(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Variables whose names resemble a setting, each with that setting."""
    settings = [name.upper() for name in Settings.model_fields]
    for name, value in environment.items():
        rest = name.upper().removeprefix(PREFIX)
        if not name.upper().startswith(PREFIX) or rest in settings:
            continue
        if _INJECTED.fullmatch(rest) or _ADDRESS.match(value):
            continue
        likeness, meant = max((_likeness(rest, setting), setting) for setting in settings)
        if likeness >= _ALIKE:
            yield name, PREFIX + meant


def error_lines(error: ValidationError) -> list[str]:
    """A line for each wrong setting. None repeats a value, which can be a key."""
    lines = []
    for item in error.errors(include_input=False, include_url=False):
        lines.append(": ".join([*(f"{PREFIX}{name}".upper() for name in item["loc"]), complaint(item)]))
    return lines


def _likeness(name: str, setting: str) -> float:
    """Similarity, 0…1, of two whole names or of their most similar words, such as KEY and KEYS."""
    whole = SequenceMatcher(None, name.replace("_", ""), setting.replace("_", "")).ratio()
    pairs = [(word, ours) for word in name.split("_") for ours in setting.split("_")]
    words = max(
        1.0 if word.startswith(ours.rstrip("S")) else SequenceMatcher(None, word, ours).ratio() for word, ours in pairs
    )
    # If a word is the same in two settings, the whole name decides between them.
    return max(whole, words * _ALIKE + whole * (1 - _ALIKE) if words >= _ALIKE else 0.0)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
