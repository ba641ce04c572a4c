"""The proxy's settings: one frozen object, from flags, then environment, then defaults."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .api_key import read_key
from .names import name_of
from .tls import TlsFiles, load_context

T = TypeVar("T")

ENV_PREFIX = "WHISPER_PROXY_"
HOST = re.compile(r"[A-Za-z0-9_.:%-]{1,253}")
# Settings by the names that they had before, which work still.
FORMER_NAMES = {"cors_origins": ("cors_origin",)}
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")
UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.@\\-]{0,200}\.service")
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


def cors_origins(text: str) -> tuple[str, ...]:
    """Return browsers' origins as browsers send them, or raise ValueError with what is allowed."""
    try:
        return tuple(_cors_origin(word.lower()) for word in listed(text))
    except ValueError:
        raise ValueError(
            "* or origins such as https://HOST:PORT or app://NAME, without a path"
        ) from None


def _cors_origin(text: str) -> str:
    if text in ("*", "file://"):  # what Electron sends for pages from files
        return text
    origin = http_origin(text, "[a-z][a-z0-9+.-]*")
    return origin.removesuffix(DEFAULT_PORTS.get(origin.partition(":")[0], "/"))


def names(text: str) -> tuple[str, ...]:
    """Return names of this service, or raise ValueError with what is allowed."""
    found = [name_of(word) for word in listed(text)]
    if not all(found):
        raise ValueError("host names or IP addresses")
    return tuple(filter(None, found))


def listed(text: str) -> list[str]:
    """Return the words of a list, with commas or spaces between them."""
    return text.replace(",", " ").split()


def model(text: str) -> str:
    """Return a model's name, or raise ValueError with what is allowed."""
    if not MODEL.fullmatch(text):
        raise ValueError("1 to 100 letters, digits and . _ : / -, a letter or digit first")
    return text


def key_file(text: str) -> str:
    """Return the path of a file that holds a key, or raise ValueError with what is allowed."""
    read_key(Path(text))
    return text


def unit(text: str) -> str:
    """Return a service's name, or raise ValueError with what is allowed."""
    if not UNIT.fullmatch(text):
        raise ValueError("a service's name, such as whisper.service")
    return text


def label(text: str) -> str:
    """Return a name that is only shown, or raise ValueError with what is allowed."""
    if not text.isprintable() or len(text) > 100:
        raise ValueError("up to 100 printable characters")
    return text


def file(text: str) -> str:
    """Return a file, which need not be there, or raise ValueError with what is allowed."""
    if not text.startswith("/"):
        raise ValueError("the absolute path of a file")
    return text


def located(text: str) -> str:
    """Return a file's absolute path; a relative one is from where the process was started."""
    return os.path.abspath(text)


def directory(text: str) -> str:
    """Return a directory, which need not be there, or raise ValueError with what is allowed."""
    if not text.startswith("/"):
        raise ValueError("the absolute path of a directory")
    return text


def idle_seconds(text: str) -> int:
    """Return seconds, 0 for never, or raise ValueError with what is allowed."""
    if text == "0":
        return 0
    try:
        return whole(10, 604800)(text)
    except ValueError:
        raise ValueError("0, or seconds from 10 to 604800, a week") from None


def _setting(default: T, parse: Callable[[str], T], about: str) -> T:
    return field(default=default, metadata={"parse": parse, "help": about})


@dataclass(frozen=True)
class Settings:
    """Every setting with its default; the name gives the flag and the variable."""

    host: str = _setting("127.0.0.1", host, "address to listen on, unless systemd passes a socket")
    port: int = _setting(2023, whole(1, 65535), "port to listen on, unless systemd passes a socket")
    upstream: str = _setting("http://127.0.0.1:2022", upstream, "whisper-server's address")
    pool: str = _setting(
        "",
        directory,
        "directory of the sockets of HAProxy, to whose pool requests go; none: no pool",
    )
    pool_key_file: str = _setting(
        "", key_file, "file with the key that the pool's members want of this proxy; none: no key"
    )
    upstream_path_file: str = _setting(
        "", file, "file with the request path of whisper-server, read each time; none: no path"
    )
    upstream_unit: str = _setting(
        "", unit, "the user's service to kill, so that it is started again, when inference hangs"
    )
    idle_stop: int = _setting(
        0, idle_seconds, "seconds without requests after which that service is stopped; 0: never"
    )
    model: str = _setting("whisper-1", model, "name of the served model, as in small.en")
    vad: int = _setting(0, whole(0, 1), "1: whisper-server has a VAD model, which is used")
    concurrency: int = _setting(1, whole(1, 64), "inferences that run at once")
    queue: int = _setting(32, whole(0, 10000), "requests that may wait; to more the answer is 503")
    max_wait: int = _setting(
        45, whole(1, 3600), "seconds to wait for a turn, or for a whisper-server that was lost"
    )
    live_sessions: int = _setting(
        8, whole(0, 64), "live transcription sessions at once; 0: there are none"
    )
    max_upload: int = _setting(512, whole(1, 65536), "largest audio file in MiB")
    max_spool: int = _setting(
        0, whole(0, 2**24), "MiB that all uploads together may take; 0: eight of the largest"
    )
    idle_timeout: int = _setting(
        30, whole(1, 3600), "seconds after which a stalled upload or an idle connection is cut off"
    )
    drain_timeout: int = _setting(
        80, whole(1, 3600), "seconds that requests may still take after SIGTERM"
    )
    api_key_file: str = _setting(
        "", key_file, "file with the key that clients must send; none: no key"
    )
    tls_certificate: str = _setting(
        "", located, "file with the certificate and its chain in PEM, for HTTPS; none: plain HTTP"
    )
    tls_key: str = _setting("", located, "file with that certificate's key, in PEM")
    client_ca: str = _setting(
        "",
        located,
        "file with the CA whose certificates clients on other machines show; none: no CA",
    )
    cors_origins: tuple[str, ...] = _setting(
        (), cors_origins, "origins whose pages may call, besides those of the host, or *"
    )
    names: tuple[str, ...] = _setting(
        (), names, "names under which clients may call, besides those of the host"
    )
    page: int = _setting(1, whole(0, 1), "1: browsers get a page at /")
    backend: str = _setting(
        "", label, "shown in /health: what whisper-server was built for; hip: it is to use a GPU"
    )
    device: str = _setting("", label, "shown in /health: what it runs on")
    whisper_version: str = _setting("", label, "shown in /health: the version of whisper.cpp")
    kfd: str = _setting(
        "/sys/class/kfd/kfd", directory, "directory in which the kernel shows who uses AMD GPUs"
    )
    pci: str = _setting(
        "", label, "PCI address of the GPU that Vulkan uses, in whose memory the model is to be"
    )
    gpu_device: str = _setting(
        "",
        directory,
        "directory of the GPU in sysfs, whose watts and memory /status shows; none: unknown",
    )
    gpu_memory: int = _setting(
        0, whole(0, 2**50), "bytes of GPU memory that whisper-server takes at least; 0: not known"
    )

    @property
    def tls(self) -> TlsFiles | None:
        """The files of TLS; None where it is off."""
        if not self.tls_certificate:
            return None
        return TlsFiles(self.tls_certificate, self.tls_key, self.client_ca)

    @property
    def english_only(self) -> bool:
        """Whether the served model knows no language but English."""
        return bool(ENGLISH_ONLY.search(self.model))

    @property
    def spool_bytes(self) -> int:
        """How many bytes all uploads together may take, at least two of the largest."""
        return max(self.max_spool or 8 * self.max_upload, 2 * self.max_upload) * 2**20

    @property
    def cantonese(self) -> bool:
        """Whether the served model knows Cantonese, as far as its name tells."""
        return not WITHOUT_CANTONESE.fullmatch(self.model)


def flag(setting: "Field[Any]") -> str:
    """Return a setting's command-line flag."""
    return "--" + setting.name.replace("_", "-")


def former_flags(setting: "Field[Any]") -> list[str]:
    """Return the flags that a setting had before, which work still."""
    return ["--" + former.replace("_", "-") for former in FORMER_NAMES.get(setting.name, ())]


def variable(setting: "Field[Any]") -> str:
    """Return a setting's environment variable."""
    return ENV_PREFIX + setting.name.upper()


def _inherited(setting: "Field[Any]", environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the variable that sets a setting, maybe by a former name, and its value or ""."""
    former = [ENV_PREFIX + name.upper() for name in FORMER_NAMES.get(setting.name, ())]
    found = (name for name in (variable(setting), *former) if environment.get(name))
    source = next(found, variable(setting))
    return source, environment.get(source, "")


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
        given = flags.get(setting.name)
        source, inherited = _inherited(setting, environment)
        if given is not None:
            chosen[setting.name] = _value(flag(setting), given, setting.metadata["parse"])
        elif inherited:
            chosen[setting.name] = _value(source, inherited, setting.metadata["parse"])
    return _consistent(Settings(**chosen))


def _consistent(settings: Settings) -> Settings:
    _check_tls(settings)
    if settings.idle_stop and not settings.upstream_unit:
        raise SettingsError(
            f"{ENV_PREFIX}IDLE_STOP is {settings.idle_stop}, but {ENV_PREFIX}UPSTREAM_UNIT must "
            "name the service that is to be stopped"
        )
    if settings.idle_stop and settings.pool:
        raise SettingsError(
            f"{ENV_PREFIX}IDLE_STOP is {settings.idle_stop}, but with {ENV_PREFIX}POOL it must be "
            "0: whisper-servers to stop are at the pool's members"
        )
    return settings


def _check_tls(settings: Settings) -> None:
    """Raise SettingsError unless what TLS needs is given, and can be used."""
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        given, missing = "TLS_CERTIFICATE", "TLS_KEY"
        if settings.tls_key:
            given, missing = missing, given
        raise SettingsError(f"{ENV_PREFIX}{given} is given, but {ENV_PREFIX}{missing} must be too")
    if settings.client_ca and not settings.tls:
        raise SettingsError(
            f"{ENV_PREFIX}CLIENT_CA is given, but clients can show certificates over TLS alone: "
            f"{ENV_PREFIX}TLS_CERTIFICATE and {ENV_PREFIX}TLS_KEY must be too"
        )
    try:
        if settings.tls:
            load_context(settings.tls)
    except ValueError as problem:
        raise SettingsError(f"{ENV_PREFIX}TLS_CERTIFICATE and its like: {problem}") from None
