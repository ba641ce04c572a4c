"""The proxy's settings: one frozen object, from flags, then environment, then defaults."""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

ENV_PREFIX = "WHISPER_PROXY_"
PORTS = range(1, 65536)
HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,253}")
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
# "small.en", "small.en-q5_1" and "small.en-tdrz" are English-only; "small" is not.
ENGLISH_ONLY = re.compile(r"\.en(-|$)")


class SettingsError(ValueError):
    """One line for the operator: which setting, what was given, what is allowed."""


def host(text: str) -> str:
    """Return a host name or address, or raise ValueError with what is allowed."""
    if not HOST.fullmatch(text):
        raise ValueError("a host name or an IP address")
    return text


def port(text: str) -> int:
    """Return a TCP port, or raise ValueError with what is allowed."""
    if not (text.isascii() and text.isdigit() and int(text) in PORTS):
        raise ValueError(f"a whole number from {PORTS[0]} to {PORTS[-1]}")
    return int(text)


def origin(text: str) -> str:
    """Return `http://HOST[:PORT]` without a final slash, or raise ValueError."""
    url = urlsplit(text)  # a broken IPv6 address raises ValueError here
    if url.scheme != "http" or not HOST.fullmatch(url.hostname or "") or url.port == 0:
        raise ValueError
    if url.path not in ("", "/") or url.query or url.fragment or "@" in url.netloc:
        raise ValueError
    return f"http://{url.netloc}"


def upstream(text: str) -> str:
    """Return whisper-server's origin, or raise ValueError with what is allowed."""
    try:
        return origin(text)
    except ValueError:
        raise ValueError("http://HOST:PORT, without a path") from None


def model(text: str) -> str:
    """Return a model's name, or raise ValueError with what is allowed."""
    if not MODEL.fullmatch(text):
        raise ValueError("1 to 100 letters, digits and . _ : / -, a letter or digit first")
    return text


def _setting(default: T, parse: Callable[[str], T], about: str) -> T:
    return field(default=default, metadata={"parse": parse, "help": about})


@dataclass(frozen=True)
class Settings:
    """Every setting with its default; the name gives the flag and the variable."""

    host: str = _setting("127.0.0.1", host, "address to listen on")
    port: int = _setting(2023, port, "port to listen on")
    upstream: str = _setting("http://127.0.0.1:2022", upstream, "whisper-server's address")
    model: str = _setting("whisper-1", model, "name of the served model, as in small.en")

    @property
    def english_only(self) -> bool:
        """Whether the served model knows no language but English."""
        return bool(ENGLISH_ONLY.search(self.model))


def flag(setting: "Field[Any]") -> str:
    """Return a setting's command-line flag."""
    return f"--{setting.name}"


def variable(setting: "Field[Any]") -> str:
    """Return a setting's environment variable."""
    return ENV_PREFIX + setting.name.upper()


def _value(source: str, text: str, parse: Callable[[str], T]) -> T:
    try:
        return parse(text)
    except ValueError as allowed:
        raise SettingsError(f"{source} is {text!r}, but must be {allowed}") from None


def load(flags: Mapping[str, str | None], environment: Mapping[str, str]) -> Settings:
    """Return the settings, or raise SettingsError.

    `flags` maps a setting's name to what was given, None when nothing was. A variable that is
    set but empty counts as not set, as a line `NAME=` in an environment file means.
    """
    chosen: dict[str, Any] = {}
    for setting in fields(Settings):
        given, inherited = flags.get(setting.name), environment.get(variable(setting))
        if given is not None:
            chosen[setting.name] = _value(flag(setting), given, setting.metadata["parse"])
        elif inherited:
            source = variable(setting)
            chosen[setting.name] = _value(source, inherited, setting.metadata["parse"])
    return Settings(**chosen)
