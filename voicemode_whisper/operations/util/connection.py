"""Lost connections, and whatever an operation raises, fail the host that they are about alone.

pyinfra takes a loss in a command for that command's failure without a word. A loss in a fact, or
any exception in what an operation asks on its way, it takes for an error in the deploy, which ends
the run on all hosts.
"""

import traceback
from collections.abc import Callable, Generator
from functools import wraps
from typing import Any, ParamSpec

from paramiko import SSHException
from pyinfra import host, logger
from pyinfra.api import FileUploadCommand, Host, State, StringCommand
from pyinfra.api import operation as pyinfra_operation
from pyinfra.api.arguments_typed import PyinfraOperation
from pyinfra.connectors.util import CommandOutput
from pyinfra.context import ctx_host

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.operations.util.errors import user_error
from voicemode_whisper.operations.util.outcome import outcome_of
from voicemode_whisper.scripts.shell import OneSessionError

P = ParamSpec("P")
LOST = "the connection was lost; what runs there goes on, and the next run waits for it"
Command = StringCommand | FileUploadCommand
Commands = Generator[Command]


def operation() -> Callable[[Callable[P, Any]], PyinfraOperation[P]]:
    """pyinfra's decorator, for an operation that fails its own host alone, with one line."""

    def decorate(function: Callable[P, Any]) -> PyinfraOperation[P]:
        @wraps(function)
        def commands(*args: P.args, **kwargs: P.kwargs) -> Commands:
            try:
                for command in function(*args, **kwargs):
                    if is_lost(host):
                        break
                    yield command
            except Exception as error:
                yield from _failure(error)
                return
            # pyinfra has failed the host of a fact that it could not ask for.
            if is_lost(host):
                yield Lost()

        return pyinfra_operation()(commands)

    return decorate


def _failure(error: Exception) -> Commands:
    if isinstance(error, OneSessionError):
        yield Lost(str(error))
    elif is_lost(host) or isinstance(error, OSError | EOFError | SSHException):
        yield Lost()
    elif host.state.is_executing or not isinstance(error, UserError):
        reason = explain(error)
        outcome_of(ctx_host.get()).cause = reason.splitlines()[0]
        yield user_error(reason)
    else:
        # What is yielded before the run is planned alone, and a dry run would never say it.
        fail(ctx_host.get(), *explain(error).splitlines())


def fail(host: Host, *lines: str) -> None:
    """Print these lines as errors, and fail this host alone.

    Where none is left, pyinfra raises PyinfraError.
    """
    outcome_of(host).cause = lines[0]
    for line in lines:
        host.log_styled(line, fg="red", log_func=logger.error)
    host.state.fail_hosts({host})


def explain(error: Exception) -> str:
    """An exception in a line, a UserError in its own; --debug shows the traceback of either."""
    # pyinfra's formatter leaves out what exc_info says.
    logger.debug("%s", "".join(traceback.format_exception(error)))
    if isinstance(error, UserError):
        return str(error)
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    return f"unexpected {reason}; --debug shows where"


def is_lost(host: Host) -> bool:
    """Whether pyinfra has given a host up in this run."""
    return host in host.state.failed_hosts


def can_be_asked(host: Host) -> bool:
    """Whether a host is connected, so that a stage at another may ask it."""
    return bool(host.connected) and not is_lost(host) and not is_disconnected(host)


def is_disconnected(host: Host) -> bool:
    """Whether there was an SSH connection to a host, and is none any more."""
    client = getattr(host.connector, "client", None)
    transport = client and client.get_transport()
    return bool(client) and not (transport and transport.is_active())


class Lost(StringCommand):
    """No command, but the failure that is all that can be had of a host which is not there."""

    def __init__(self, reason: str = LOST) -> None:
        super().__init__()
        self._reason = reason

    def execute(
        self, state: State, host: Host, connector_arguments: Any
    ) -> tuple[bool, CommandOutput]:
        say_lost(host, self._reason)
        return False, CommandOutput([])


def say_lost(host: Host, reason: str = LOST) -> None:
    """Say what has happened, and what to do."""
    outcome_of(host).cause = reason
    host.log_styled(reason, fg="red", log_func=logger.error)
