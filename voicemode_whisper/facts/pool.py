"""A pool's gateway."""

from collections.abc import Iterable

from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.gateway import PoolState, parse_pool_state
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.pool import MemberState, parse_member_states
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class PoolServices(Fact[PoolState]):
    """The pool's setups and services, in one round trip."""

    default = PoolState

    def command(self, layout: Layout) -> StringCommand:
        return script("pool-state", layout.pool, layout.units)

    def process(self, output: Iterable[str]) -> PoolState:
        return parse_pool_state(output)


class MemberStates(Fact[dict[str, MemberState]]):
    """The members, as the gateway's HAProxy sees them; none where it does not run."""

    default = dict

    def command(self) -> StringCommand:
        return StringCommand(script("balancer", "show stat"), "2>/dev/null || true")

    def process(self, output: Iterable[str]) -> dict[str, MemberState]:
        return parse_member_states(output)


class Addresses(Fact[dict[str, str]]):
    """The first address of each name, as the host resolves it; of an unknown one none."""

    default = dict

    def command(self, names: Iterable[str]) -> StringCommand:
        return StringCommand(
            "for name in", *map(QuoteString, names), "; do",
            'getent ahosts "$name" | sed -n "s/^\\([^ ]*\\) .*/\\1/p;q" | sed "s|$| $name|";',
            "done; true",
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> dict[str, str]:
        found = (line.split(" ", 1) for line in output)
        return {name: address for address, name in found}
