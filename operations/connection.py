"""Connections that are lost in the middle of an operation.

pyinfra takes the loss in a command for that command's failure without a word, and the loss in a
fact, or in what an operation asks on its way, for an error in the deploy, which ends the run on all
hosts.
"""

from collections.abc import Callable, Generator
from functools import wraps
from typing import Any, ParamSpec

from paramiko import SSHException
from pyinfra import host, logger
from pyinfra.api import FileUploadCommand, Host, State, StringCommand
from pyinfra.api import operation as pyinfra_operation
from pyinfra.api.arguments_typed import PyinfraOperation
from pyinfra.connectors.util import CommandOutput

P = ParamSpec("P")
Commands = Generator[StringCommand | FileUploadCommand]


def operation() -> Callable[[Callable[P, Any]], PyinfraOperation[P]]:
    """pyinfra's decorator, for an operation that fails its own host alone when that is lost."""

    def decorate(function: Callable[P, Any]) -> PyinfraOperation[P]:
        @wraps(function)
        def commands(*args: P.args, **kwargs: P.kwargs) -> Commands:
            try:
                for command in function(*args, **kwargs):
                    if is_lost(host):
                        break
                    yield command
            except Exception as error:
                # pyinfra has failed the host of a fact that it could not ask for.
                if not is_lost(host) and not isinstance(error, OSError | EOFError | SSHException):
                    raise
                yield Lost()
                return
            if is_lost(host):
                yield Lost()

        return pyinfra_operation()(commands)

    return decorate


def is_lost(host: Host) -> bool:
    """Whether pyinfra has given a host up in this run."""
    return host in host.state.failed_hosts


class Lost(StringCommand):
    """No command, but the failure that is all that can be had of a host which is not there."""

    def execute(
        self, state: State, host: Host, connector_arguments: Any
    ) -> tuple[bool, CommandOutput]:
        say_lost(host)
        return False, CommandOutput([])


def say_lost(host: Host) -> None:
    """Say what has happened, and what to do."""
    host.log_styled(
        "the connection was lost; what runs there goes on, and the next run waits for it",
        fg="red",
        log_func=logger.error,
    )
