"""A pool is upgraded one member after another: taken out, switched, confirmed, put back."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from weakref import WeakKeyDictionary

from paramiko import SSHException
from pyinfra import host
from pyinfra.api import Host, State, StringCommand
from pyinfra.context import ctx_state

from voicemode_whisper.core.choice import Choice
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.pool import drain_commands, may_go_out, ready_commands
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.pool import MemberStates
from voicemode_whisper.operations import generations
from voicemode_whisper.operations.util.connection import can_be_asked, operation
from voicemode_whisper.operations.util.errors import user_error
from voicemode_whisper.scripts import script, shell

# For what a member is at work on, as long as whisper-proxy would wait for it when it is stopped.
REST_SECONDS = 80
# The member at which a run has stopped.
_STOPPED: WeakKeyDictionary[State, str] = WeakKeyDictionary()


@operation()
def switch(
    layout: Layout,
    choice: Choice,
    kfd: str,
    member: str,
    gateways: Sequence[Host],
    unserved_watts: float | None = None,
    api_key_file: str = "",
) -> Generator[StringCommand]:
    """Have a member of a pool switch and transcribe, while it gets nothing from the pool.

    To be run with _serial: then no two are out at a time. After one that fails no other is touched.

    + member: its name in the pool
    + gateways: of the pool
    + layout, choice, kfd, unserved_watts, api_key_file: as for generations.switch and confirm
    """
    commands = generations.switch._inner(layout, choice, unserved_watts)
    first = next(commands, None)
    if first is None:
        return
    if not host.state.is_executing:
        yield first
        return
    stopped = _STOPPED.get(ctx_state.get())
    if stopped:
        yield user_error(f"pool: not switched, as {stopped} failed; the pool serves as before")
        return
    _STOPPED[ctx_state.get()] = member
    with _out(member, gateways):
        yield first
        yield from commands
        yield from generations.confirm._inner(layout, kfd, api_key_file)
    del _STOPPED[ctx_state.get()]


@contextmanager
def _out(member: str, gateways: Sequence[Host]) -> Iterator[None]:
    """Have this member get nothing from the gateways for the duration of the context.

    Where another one is out already it stays in: who asks it waits, and nothing is lost either.
    """
    told = [one for one in gateways if _rests(member, one)]
    try:
        yield
    finally:
        for gateway in told:
            _tell(gateway, ready_commands(member))


def _tell(gateway: Host, commands: Sequence[str]) -> bool:
    """Whether a gateway's HAProxy was told so.

    One that is lost meanwhile has the member back with its next deploy, or when HAProxy restarts.
    """
    with suppress(OSError, EOFError, SSHException):
        done, _ = shell.run(gateway, script("balancer", *commands))
        return done
    return False


def _rests(member: str, gateway: Host) -> bool:
    """Whether a gateway has taken a member out, and the member has finished what it had."""
    if not can_be_asked(gateway):
        return False
    states = read_fact(gateway, MemberStates)
    if not may_go_out(member, states):
        return False
    done = _tell(gateway, drain_commands(member))
    until = time.monotonic() + REST_SECONDS
    while done and time.monotonic() < until:
        states = read_fact(gateway, MemberStates)
        if member not in states or not states[member].running:
            break
        time.sleep(0.5)
    return done
