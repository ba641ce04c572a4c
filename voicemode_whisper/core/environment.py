"""Lines that set a variable of the environment, in whatever language, and what mends them."""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

# What separates a variable from its value, and the value: in shells and environment.d, in fish, in
# fish's own list (whose `:` is \x3a), in pam_env.conf and in JSON.
SET = re.compile(
    r"""(?P<path>.*?):(?P<line>\d+):.*?(?P<key>VOICEMODE_[A-Z_]+|\b[A-Za-z]+_(?:proxy|PROXY))"?"""
    r"""(?:\s+DEFAULT)?(?:\s*[=:]\s*|\s+)"""
    r"""(?P<quote>["']?)(?P<value>.*)"""
)

# Of the variables that name a proxy, those that count for http://.
PROXIES, NO_PROXY = ("http_proxy", "all_proxy"), "no_proxy"


@dataclass(frozen=True)
class Setting:
    """A variable, its value, and the file and line that set it."""

    key: str
    value: str
    path: str
    line: int

    to_json = asdict  # for `pyinfra … fact`

    def fix(self, value: str) -> str:
        """The command that sets the variable to this value in its place, in the form it has."""
        path = shlex.quote(self.path)
        root = "sudo " if self.path.startswith("/etc/") else ""
        if self.path.endswith("/fish_variables"):
            return f"fish -c 'set -Ue {self.key}'"
        if not self.value.startswith(("http://", "https://")):
            return f"{root}${{EDITOR:-nano}} +{self.line} {path}"
        address = r"https?:[^[:space:]\x22\x27;]*"
        return (
            f"{root}sed -i --follow-symlinks -E "
            f"'{self.line}s|({self.key}[^h]*){address}|\\1{value}|' {path}"
        )


def proxy_before(address: str, settings: Sequence[Setting]) -> Setting | None:
    """Where the user's programs are told to ask a proxy for an IP address of this machine."""
    direct = {
        name.strip()
        for one in settings
        if one.key.lower() == NO_PROXY
        for name in one.value.split(",")
    }
    if direct & {address, "*"}:
        return None
    return next((one for one in settings if one.key.lower() in PROXIES and one.value), None)


def parse_settings(output: Iterable[str]) -> list[Setting]:
    """What `grep -noH` prints of such lines."""
    found = (SET.fullmatch(line) for line in output)
    return [
        Setting(
            match["key"], _value(match["value"], match["quote"]), match["path"], int(match["line"])
        )
        for match in found
        if match
    ]


def _value(text: str, quote: str) -> str:
    value = text.partition(quote)[0] if quote else re.split(r"[\s;]", text)[0]
    return re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), value)
