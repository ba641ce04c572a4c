"""One run at a time on each host."""

import os
from collections.abc import Generator
from getpass import getuser
from secrets import token_hex
from socket import gethostname

import gevent
from pyinfra import host
from pyinfra.api import Host, StringCommand
from pyinfra.context import ctx_host

from voicemode_whisper.core.layout import Layout
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.errors import user_error
from voicemode_whisper.scripts import script, shell


@operation()
def hold(layout: Layout, leaves: str = "") -> Generator[StringCommand]:
    """Hold the host's lock until this process ends, however it ends; fail where another run does.

    A command on the host holds it, which ends when nobody reads its output any more: soon after
    pyinfra has died, and where the network is gone, when TCP has given the connection up.

    + layout: where things lie
    + leaves: a directory to remove before another run may begin, however this one ends
    """
    if host.state.is_executing:
        token = token_hex(8)
        owner = f"{getuser()}@{gethostname()} (process {os.getpid()})"
        command = script("hold-lock", layout.lock, token, owner, *([leaves] if leaves else []))
        holder = gevent.spawn(_failure, ctx_host.get(), command)
        held, said = shell.run(ctx_host.get(), script("await-lock", layout.lock, token))
        if not held and holder.value:
            raise holder.value
        if not held:
            yield user_error(said.stderr_lines[-1] if said.stderr_lines else "cannot be locked")
            return
    host.noop("this run is the only one")


def _failure(host: Host, command: StringCommand) -> Exception | None:
    """Run a command to its end; what it raises, of which gevent would print the stack."""
    try:
        shell.run(host, command)
    except Exception as error:
        return error
    return None
