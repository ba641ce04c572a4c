"""The settings of group_data/all.py, validated once into a frozen `Settings`."""

import difflib
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import urlsplit

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.models import Model, listed_model, resolve_model
from voicemode_whisper.core.urls import is_http_url, masked

BACKENDS = ("auto", "fastest", "hip", "vulkan", "cpu")
ROCM = ("rocm-hip-sdk", "minimal")
# Settings start with one of these, so that a misspelt one is told from data that is not ours.
PREFIXES = (
    "whisper_", "model_", "proxy_", "gpu_", "rocm_", "idle_", "pool_", "uninstall_", "compare_",
    "wyoming", "upgrade_", "notify_",
)  # fmt: skip
# As the proxy takes them: whisper_proxy/settings.py.
IDLE_SECONDS = range(10, 7 * 24 * 3600 + 1)
IDLE_TIME = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})min)?(?:(\d{1,6})s)?", re.ASCII)
# HOST[:PORT] and SCHEME://HOST[:PORT] as the proxy takes them: whisper_proxy/settings.py.
AUTHORITY = r"([A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
ORIGIN = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*://{AUTHORITY}")
NAME = re.compile(rf"{AUTHORITY}|([0-9A-Fa-f.]*:){{2,}}[0-9A-Fa-f.]*")


@dataclass(frozen=True)
class Settings:
    """What the operator asked for. `gpu_targets` is empty for "auto", `idle_stop` in seconds, 0 for
    "never". `proxy_tls` is "off", "internal" or "CERTIFICATE KEY", paths on the host. `wyoming` is
    ADDRESS:PORT, an IPv6 address in brackets, empty for "off", `upgrade_timer` empty for "never".

    `whisper_repo` may carry credentials: see `core.urls`.
    """

    whisper_version: str
    whisper_known_defects: Mapping[str, str]
    whisper_repo: str = field(repr=False)
    whisper_backend: str
    rocm_packages: str
    gpu_targets: tuple[str, ...]
    gpu_kfd: str
    gpu_pci: str
    gpu_software: bool
    model: Model
    whisper_port: int
    proxy_host: str
    proxy_port: int
    proxy_api_key_file: str
    proxy_tls: str
    proxy_cors_origins: str
    proxy_names: str
    proxy_page: bool
    idle_stop: int
    wyoming: str
    pool_host: str
    pool_port: int
    pool_stats_port: int
    pool_address: str
    models: tuple[Model, ...]
    compare_keep: bool
    uninstall_models: bool
    upgrade_timer: str
    notify_command: str
    unattended: bool
    retry: bool
    doctor: str

    @property
    def addresses(self) -> dict[str, tuple[str, int]]:
        """Where the services listen: address and port, by the setting of the port."""
        return {
            "whisper_port": ("127.0.0.1", self.whisper_port),
            "proxy_port": (self.proxy_host, self.proxy_port),
            **({"wyoming": split_listen(self.wyoming)} if self.wyoming else {}),
        }

    @property
    def gateway_addresses(self) -> dict[str, tuple[str, int]]:
        """Where a gateway's services listen, as `addresses` has it."""
        return {
            "pool_port": (self.pool_host, self.pool_port),
            "pool_stats_port": ("127.0.0.1", self.pool_stats_port),
        }

    @property
    def pool_listen(self) -> str:
        """Where a gateway's proxy listens, as ADDRESS:PORT."""
        return _at(ipaddress.ip_address(self.pool_host), self.pool_port)

    @property
    def pool_url(self) -> str:
        """Where a client on the gateway itself finds the pool."""
        return local_url(self.pool_listen)

    @property
    def proxy_address(self) -> str:
        """Where the proxy listens, as ADDRESS:PORT, an IPv6 address in brackets."""
        return _at(ipaddress.ip_address(self.proxy_host), self.proxy_port)

    @property
    def proxy_url(self) -> str:
        """Where a client on the host itself finds the proxy, for example http://127.0.0.1:2023."""
        return local_url(self.proxy_address)

    @property
    def own_certificate(self) -> tuple[str, str] | None:
        """The paths of a certificate and its key that are the operator's; None for none."""
        certificate, _, key = self.proxy_tls.partition(" ")
        return (certificate, key) if key else None

    def lan_url(self, name: str) -> str | None:
        """Where other machines find the proxy on the host `name`; None if on loopback alone."""
        address = ipaddress.ip_address(self.proxy_host)
        if address.is_loopback:
            return None
        at = f"{name}:{self.proxy_port}" if address.is_unspecified else self.proxy_address
        return f"{'http' if self.proxy_tls == 'off' else 'https'}://{at}"


def local_url(listen: str) -> str:
    """Where a client on the host itself finds what listens at ADDRESS:PORT."""
    host, port = local_address(listen)
    return f"http://{_at(ipaddress.ip_address(host), port)}"


def local_address(listen: str) -> tuple[str, int]:
    """The address and the port of the same."""
    host, port = split_listen(listen)
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        return ("127.0.0.1" if address.version == 4 else "::1"), port
    return host, port


def split_listen(listen: str) -> tuple[str, int]:
    """The address and the port of ADDRESS:PORT, where an IPv6 address has brackets."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def _at(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def read_settings(data: Mapping[str, Any]) -> Settings:
    """Validate host data into `Settings`.

    Raises `UserError` with one line for every setting that is wrong.
    """
    problems = _misspelt(data)
    values = {}
    for name, read in READERS.items():
        try:
            values[name] = read(data)
        except UserError as error:
            problems.extend(error.lines)
    if not problems:
        settings = Settings(**values)
        problems = same_ports({name: port for name, (_, port) in settings.addresses.items()})
    if problems:
        # Two settings may complain of one that they share.
        raise UserError(*dict.fromkeys(problems))
    return settings


def as_member(settings: Settings) -> Settings:
    """The settings of a pool's member, which the gateways reach, with a certificate from them.

    It listens on all addresses unless it is given one. UserError where it is to have a certificate
    of the operator's own.
    """
    if settings.own_certificate:
        raise UserError(
            f"proxy_tls: got {settings.proxy_tls!r}, but a member of a pool has its certificate "
            "from the pool's gateway; set it for the gateway alone, or leave it out"
        )
    on_loopback = ipaddress.ip_address(settings.proxy_host).is_loopback
    address = "0.0.0.0" if on_loopback else settings.proxy_host
    return replace(settings, proxy_tls="internal", proxy_host=address)


def same_ports(ports: Mapping[str, int]) -> list[str]:
    """What to say of ports of one machine that two settings give: a line for each but the first."""
    first: dict[int, str] = {}
    problems = []
    for name, port in ports.items():
        if port in first:
            problems.append(
                f"{name}: got {port}, which is {first[port]} too; give the two different ports"
            )
        first.setdefault(port, name)
    return problems


def _wrong(name: str, given: object, allowed: str) -> UserError:
    return UserError(f"{name}: got {given!r}; allowed is {allowed}")


def _version(data: Mapping[str, Any]) -> str:
    value = data["whisper_version"]
    # --data reads 1.10 as the number 1.1, so a number cannot be trusted.
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/+-]*", value):
        return value
    allowed = "latest, a tag such as v1.9.1, a branch or a full commit id"
    raise _wrong("whisper_version", value, allowed)


def _known_defects(data: Mapping[str, Any]) -> Mapping[str, str]:
    value = data["whisper_known_defects"]
    if isinstance(value, Mapping) and all(
        isinstance(word, str) for x in value.items() for word in x
    ):
        return dict(value)
    allowed = 'a mapping of tags to reasons, such as {"v1.9.2": "miscompiles"}, or {}'
    raise _wrong("whisper_known_defects", value, allowed)


def _http_url(name: str) -> Callable[[Mapping[str, Any]], str]:
    def read(data: Mapping[str, Any]) -> str:
        value = data[name]
        if not is_http_url(value):
            shown = masked(value) if isinstance(value, str) else value
            raise _wrong(name, shown, "an http:// or https:// URL")
        return str(value).rstrip("/")

    return read


def _repository(data: Mapping[str, Any]) -> str:
    value = _http_url("whisper_repo")(data)
    if "?" in value or "#" in value:
        allowed = "an http:// or https:// URL without a query: a token goes before the host's name"
        raise _wrong("whisper_repo", masked(value), allowed)
    return value


def _one_of(name: str, allowed: Sequence[str]) -> Callable[[Mapping[str, Any]], str]:
    def read(data: Mapping[str, Any]) -> str:
        value = data[name]
        if value not in allowed:
            raise _wrong(name, value, f"{', '.join(allowed[:-1])} or {allowed[-1]}")
        return str(value)

    return read


def _gpu_targets(data: Mapping[str, Any]) -> tuple[str, ...]:
    value = data["gpu_targets"]
    if value == "auto":
        return ()
    names = value if isinstance(value, list | tuple) else re.split(r"[;,\s]+", str(value).strip())
    if not names or not all(re.fullmatch(r"gfx[0-9a-f]{3,4}", str(name)) for name in names):
        raise _wrong("gpu_targets", value, "auto or a list such as gfx1100;gfx1101")
    return tuple(dict.fromkeys(str(name) for name in names))


def _directory(name: str) -> Callable[[Mapping[str, Any]], str]:
    def read(data: Mapping[str, Any]) -> str:
        value = data[name]
        if re.fullmatch(r"(/[A-Za-z0-9@._+-]+)+", str(value)):
            return str(value)
        raise _wrong(name, value, "the absolute path of a directory on the host")

    return read


def _model(data: Mapping[str, Any]) -> Model:
    source = _http_url("model_source")(data)
    return resolve_model(data["whisper_model"], data["model_sha256"], source)


def _models(data: Mapping[str, Any]) -> tuple[Model, ...]:
    value, source = data["models"], _http_url("model_source")(data)
    listed = _listed(value)
    return tuple(listed_model(str(name), source) for name in dict.fromkeys(listed or [""]))


def _port(name: str) -> Callable[[Mapping[str, Any]], int]:
    def read(data: Mapping[str, Any]) -> int:
        value = data[name]
        # A user's service cannot bind the ports below 1024.
        if re.fullmatch(r"[0-9]{1,5}", str(value)) and 1024 <= int(value) <= 65535:
            return int(value)
        raise _wrong(name, value, "a port from 1024 to 65535")

    return read


def _own_address(name: str) -> Callable[[Mapping[str, Any]], str]:
    def read(data: Mapping[str, Any]) -> str:
        value = data[name]
        try:
            return str(ipaddress.ip_address("127.0.0.1" if value == "localhost" else str(value)))
        except ValueError:
            allowed = "an IP address of the host: 127.0.0.1, or 0.0.0.0 for every machine"
            raise _wrong(name, value, allowed) from None

    return read


def _is_ipv6(value: object) -> bool:
    try:
        return ipaddress.ip_address(str(value)).version == 6
    except ValueError:
        return False


def _pool_address(data: Mapping[str, Any]) -> str:
    value = data["pool_address"]
    # It stands in HAProxy's configuration.
    if value == "" or re.fullmatch(r"[A-Za-z0-9_.-]{1,253}", str(value)) or _is_ipv6(value):
        return str(value)
    raise _wrong("pool_address", value, "nothing, or a host name or an IP address, without a port")


def _proxy_api_key_file(data: Mapping[str, Any]) -> str:
    value = data["proxy_api_key_file"]
    # It is written into a unit file, where %, quotes and white space have meanings of their own.
    if value == "" or re.fullmatch(r"/[A-Za-z0-9@._/+-]+", str(value)):
        return str(value)
    allowed = "nothing, or the absolute path of a file on the host, of letters, digits and @._/+-"
    raise _wrong("proxy_api_key_file", value, allowed)


def _proxy_tls(data: Mapping[str, Any]) -> str:
    value = data["proxy_tls"]
    # --data reads off as False.
    if value in ("off", "internal", False):
        return str(value or "off")
    words = _listed(value)
    if len(words) == 2 and all(re.fullmatch(r"/[A-Za-z0-9@._/+-]+", str(word)) for word in words):
        return " ".join(map(str, words))
    allowed = (
        "off, internal, or the absolute paths on the host of a certificate and its key, "
        '"/etc/ssl/stt.pem /etc/ssl/stt.key", of letters, digits and @._/+-'
    )
    raise _wrong("proxy_tls", value, allowed)


def _listed(value: object) -> Sequence[object]:
    """A list as it is, or the words of a text with commas or spaces between them."""
    return value if isinstance(value, list | tuple) else str(value).replace(",", " ").split()


def _words(
    name: str, is_allowed: Callable[[str], object], allowed: str
) -> Callable[[Mapping[str, Any]], str]:
    """A reader of a list, or of a text with commas or spaces between the words."""

    def read(data: Mapping[str, Any]) -> str:
        value = data[name]
        listed = _listed(value)
        if not all(map(is_allowed, map(str, listed))):
            raise _wrong(name, value, allowed)
        return " ".join(map(str, listed))

    return read


def _is_origin(word: str) -> bool:
    try:
        return word in ("*", "file://") or bool(ORIGIN.fullmatch(word) and urlsplit(word).port != 0)
    except ValueError:
        return False


def _idle_stop(data: Mapping[str, Any]) -> int:
    value = data["idle_stop"]
    if value == "never":
        return 0
    found = IDLE_TIME.fullmatch(str(value))
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + seconds
    if total not in IDLE_SECONDS:
        allowed = "never, or a time from 10s to 168h such as 90s, 15min or 1h30min"
        raise _wrong("idle_stop", value, allowed)
    return total


def _wyoming(data: Mapping[str, Any]) -> str:
    value = data["wyoming"]
    # --data reads off as False.
    if value in ("off", "", False):
        return ""
    host, _, port = str(value).rpartition(":")
    try:
        address = _own_address("wyoming")({"wyoming": host.removeprefix("[").removesuffix("]")})
        number = _port("wyoming")({"wyoming": port})
    except UserError:
        allowed = (
            "off, or an IP address of the host and a port from 1024 to 65535: 127.0.0.1:10300, or "
            "0.0.0.0:10300 for other machines"
        )
        raise _wrong("wyoming", value, allowed) from None
    return _at(ipaddress.ip_address(address), number)


def _upgrade_timer(data: Mapping[str, Any]) -> str:
    """Whether systemd takes it, the host has to say."""
    value = data["upgrade_timer"]
    if value == "never":
        return ""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9*][A-Za-z0-9 *,./:~_+-]*", value):
        return value
    raise _wrong("upgrade_timer", value, 'never, or a time such as daily or "Sun 04:00"')


def _notify_command(data: Mapping[str, Any]) -> str:
    value = data["notify_command"]
    if isinstance(value, str) and (value == "" or value.isprintable()):
        return value
    raise _wrong("notify_command", value, "nothing, or a shell command in one line")


def _yes_or_no(name: str) -> Callable[[Mapping[str, Any]], bool]:
    def read(data: Mapping[str, Any]) -> bool:
        words = {"yes": True, "true": True, "no": False, "false": False}
        if str(data[name]).lower() not in words:
            raise _wrong(name, data[name], "yes or no")
        return words[str(data[name]).lower()]

    return read


READERS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "whisper_version": _version,
    "whisper_known_defects": _known_defects,
    "whisper_repo": _repository,
    "whisper_backend": _one_of("whisper_backend", BACKENDS),
    "rocm_packages": _one_of("rocm_packages", ROCM),
    "gpu_targets": _gpu_targets,
    "gpu_kfd": _directory("gpu_kfd"),
    "gpu_pci": _directory("gpu_pci"),
    "gpu_software": _yes_or_no("gpu_software"),
    "model": _model,
    "whisper_port": _port("whisper_port"),
    "proxy_host": _own_address("proxy_host"),
    "proxy_port": _port("proxy_port"),
    "proxy_api_key_file": _proxy_api_key_file,
    "proxy_tls": _proxy_tls,
    "proxy_cors_origins": _words(
        "proxy_cors_origins",
        _is_origin,
        'nothing, "*" or origins such as https://HOST:PORT app://NAME',
    ),
    "proxy_names": _words("proxy_names", NAME.fullmatch, "nothing, or host names and IP addresses"),
    "proxy_page": _yes_or_no("proxy_page"),
    "idle_stop": _idle_stop,
    "wyoming": _wyoming,
    "pool_host": _own_address("pool_host"),
    "pool_port": _port("pool_port"),
    "pool_stats_port": _port("pool_stats_port"),
    "pool_address": _pool_address,
    "models": _models,
    "compare_keep": _yes_or_no("compare_keep"),
    "uninstall_models": _yes_or_no("uninstall_models"),
    "upgrade_timer": _upgrade_timer,
    "notify_command": _notify_command,
    "unattended": _yes_or_no("unattended"),
    "retry": _yes_or_no("retry"),
    "doctor": _one_of("doctor", ("quick", "full")),
}
KNOBS = ({field.name for field in fields(Settings)} - {"model"}) | {
    "whisper_model",
    "model_sha256",
    "model_source",
}


def _misspelt(data: Mapping[str, Any]) -> list[str]:
    unknown = sorted(key for key in data if key.startswith(PREFIXES) and key not in KNOBS)
    return [f"{key}: there is no such setting; {_suggestion(key)}" for key in unknown]


def _suggestion(key: str) -> str:
    close = difflib.get_close_matches(key, sorted(KNOBS), n=1)
    return f"did you mean {close[0]}?" if close else "see group_data/all.py for those there are"
