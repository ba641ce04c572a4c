"""What is set up on the host, and what was confirmed there."""

from collections.abc import Iterable

from pyinfra.api import FactBase, QuoteString, StringCommand

from core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT, Layout
from core.setups import Setups, parse_setups


class Installed(FactBase[Setups]):
    """The setups below services/, in one round trip."""

    def command(self, layout: Layout) -> StringCommand:
        units = f'cat "$5/{PROXY_UNIT}" "$5/{PROXY_SOCKET}" 2>/dev/null'
        return StringCommand(
            "cd", QuoteString(layout.services), "2>/dev/null || exit 0;",
            # What was made by hand has the name that it will be kept under.
            'link() { if [ -L "$1" ]; then readlink "$1";'
            ' elif [ -e "$1" ]; then echo "${1##*/}.by-hand"; fi; };',
            f'setup() {{ [ -e "$5/{SERVER_UNIT}" ] || return;'
            ' for word in setup "$1" "$(link "$2")" "$(link "$3")" "$(link "$4")";'
            " do printf '%s\\t' \"$word\"; done; echo;"
            f' cat "$5/{SERVER_UNIT}"; printf "\\nproxy\\t\\n"; {units}; echo; }};',
            "setup now whisper.cpp/build whisper-proxy whisper-proxy-venv",
            StringCommand(QuoteString(layout.units), ";", _separator=""),
            "for kept in $(ls -1dt confirmed-*[0-9a-f]/ 2>/dev/null); do kept=${kept%/};"
            ' setup "$kept" "$kept/build" "$kept/whisper-proxy" "$kept/whisper-proxy-venv" "$kept";'
            " done;",
            "printf 'latest\\t%s\\t\\n' \"$(readlink confirmed)\";",
            "printf 'version\\t%s\\t\\n' whisper.cpp/build-* whisper-proxy-* confirmed-*",
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> Setups:
        return parse_setups(output)

    default = Setups
