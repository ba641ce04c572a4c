"""The proxy's settings: one frozen object, from flags, then environment, then defaults."""

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")

ENV_PREFIX = "WHISPER_PROXY_"
HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,253}")
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
# "small.en", "small.en-q5_1" and "small.en-tdrz" are English-only; "small" is not.
ENGLISH_ONLY = re.compile(r"\.en(-|$)")
# Cantonese came with large-v3. To earlier models its code is that of the task of translation.
WITHOUT_CANTONESE = re.compile(r"(tiny|base|small|medium|large(-v[12])?)(-q\d.*)?")


class SettingsError(ValueError):
    """One line for the operator: which setting, what was given, what is allowed."""


def host(text: str) -> str:
    """Return a host name or address, or raise ValueError with what is allowed."""
    if not HOST.fullmatch(text):
        raise ValueError("a host name or an IP address")
    return text


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers, which raises ValueError with what is allowed."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def http_origin(text: str, scheme: str) -> str:
    """Return `SCHEME://HOST[:PORT]` without a final slash, or raise ValueError."""
    url = urlsplit(text)  # a broken IPv6 address raises ValueError here
    if not re.fullmatch(scheme, url.scheme) or not HOST.fullmatch(url.hostname or ""):
        raise ValueError
    if url.port == 0 or url.path not in ("", "/") or url.query or url.fragment or "@" in url.netloc:
        raise ValueError
    return f"{url.scheme}://{url.netloc}"


def upstream(text: str) -> str:
    """Return whisper-server's origin, or raise ValueError with what is allowed."""
    try:
        return http_origin(text, "http")
    except ValueError:
        raise ValueError("http://HOST:PORT, without a path") from None


def cors_origin(text: str) -> str:
    """Return a browser's origin, or raise ValueError with what is allowed."""
    try:
        return "*" if text == "*" else http_origin(text, "https?")
    except ValueError:
        raise ValueError("* or an origin such as https://HOST:PORT, without a path") from None


def model(text: str) -> str:
    """Return a model's name, or raise ValueError with what is allowed."""
    if not MODEL.fullmatch(text):
        raise ValueError("1 to 100 letters, digits and . _ : / -, a letter or digit first")
    return text


def key_file(text: str) -> str:
    """Return the key that a file holds, or raise ValueError with what is allowed."""
    try:
        key = Path(text).read_text("ascii").strip()
    except (OSError, ValueError):
        key = ""
    if not (key.isprintable() and len(key.split()) == 1):
        raise ValueError("a readable file that holds one key, in ASCII without spaces")
    return key


def label(text: str) -> str:
    """Return a name that is only shown, or raise ValueError with what is allowed."""
    if not text.isprintable() or len(text) > 100:
        raise ValueError("up to 100 printable characters")
    return text


def directory(text: str) -> str:
    """Return a directory, which need not be there, or raise ValueError with what is allowed."""
    if not text.startswith("/"):
        raise ValueError("the absolute path of a directory")
    return text


def _setting(default: T, parse: Callable[[str], T], about: str, *, secret: bool = False) -> T:
    metadata = {"parse": parse, "help": about}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """Every setting with its default; the name gives the flag and the variable."""

    host: str = _setting("127.0.0.1", host, "address to listen on, unless systemd passes a socket")
    port: int = _setting(2023, whole(1, 65535), "port to listen on, unless systemd passes a socket")
    upstream: str = _setting("http://127.0.0.1:2022", upstream, "whisper-server's address")
    model: str = _setting("whisper-1", model, "name of the served model, as in small.en")
    concurrency: int = _setting(1, whole(1, 64), "inferences that run at once")
    queue: int = _setting(32, whole(0, 10000), "requests that may wait; to more the answer is 503")
    max_wait: int = _setting(
        45, whole(1, 3600), "seconds to wait for a turn, or for a whisper-server that was lost"
    )
    max_upload: int = _setting(512, whole(1, 65536), "largest audio file in MiB")
    idle_timeout: int = _setting(
        30, whole(1, 3600), "seconds after which a stalled upload or an idle connection is cut off"
    )
    drain_timeout: int = _setting(
        80, whole(1, 3600), "seconds that requests may still take after SIGTERM"
    )
    api_key_file: str = _setting(
        "", key_file, "file with the key that clients must send; none: no key", secret=True
    )
    cors_origin: str = _setting("", cors_origin, "origin whose pages may call, or *; none: no page")
    backend: str = _setting(
        "", label, "shown in /health: what whisper-server was built for; hip: it is to use a GPU"
    )
    device: str = _setting("", label, "shown in /health: what it runs on")
    whisper_version: str = _setting("", label, "shown in /health: the version of whisper.cpp")
    kfd: str = _setting(
        "/sys/class/kfd/kfd", directory, "directory in which the kernel shows who uses AMD GPUs"
    )
    gpu_memory: int = _setting(
        0, whole(0, 2**50), "bytes of GPU memory that whisper-server takes at least; 0: not known"
    )

    @property
    def english_only(self) -> bool:
        """Whether the served model knows no language but English."""
        return bool(ENGLISH_ONLY.search(self.model))

    @property
    def cantonese(self) -> bool:
        """Whether the served model knows Cantonese, as far as its name tells."""
        return not WITHOUT_CANTONESE.fullmatch(self.model)

    @property
    def api_key(self) -> str:
        """The key that clients must send; "" when they need none."""
        return self.api_key_file  # read when it was parsed


def flag(setting: "Field[Any]") -> str:
    """Return a setting's command-line flag."""
    return "--" + setting.name.replace("_", "-")


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
