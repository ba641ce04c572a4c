"""Commands that take long, and say so."""

from typing import Any

from paramiko import SSHException
from pyinfra.api import Host, State, StringCommand
from pyinfra.connectors.util import CommandOutput

from operations.connection import say_lost
from operations.screen import MARK, SCREEN, on_terminal
from operations.scripts import script

# Redrawn in place, a line a second is not too many.
LIVE = {"SHOWN_EVERY": "1", "SHOWN_MARK": MARK}


class Shown(StringCommand):
    """A command whose output is shown as it comes, and not again when it fails.

    On a terminal the scripts that it runs mark the lines that are to be redrawn in place.
    """

    def execute(
        self, state: State, host: Host, connector_arguments: Any
    ) -> tuple[bool, CommandOutput]:
        connector_arguments.update(self.connector_arguments)
        if on_terminal():
            SCREEN.install()
            connector_arguments["_env"] = {**(connector_arguments.get("_env") or {}), **LIVE}
        try:
            status, output = host.run_shell_command(
                self, print_output=True, print_input=state.print_input, **connector_arguments
            )
        finally:
            SCREEN.end(host.print_prefix)
        if not status and not _answers(host):
            say_lost(host)
        return status, output if status else CommandOutput([])


def _answers(host: Host) -> bool:
    try:
        return host.run_shell_command(StringCommand("true"))[0]
    except (OSError, EOFError, SSHException):
        return False


def narrated(*words: str) -> Shown:
    """Run a program that says much, or nothing for long: what it does is shown every five seconds.

    If it fails, the end of what it said is shown. The words are quoted here.
    """
    return Shown(script("narrate", *words))


def alone(directory: str, command: Shown) -> Shown:
    """The same command, after what an earlier run began in `directory` and is still at work there.

    pyinfra that was killed, or lost its connection, does not end what it runs on the host.
    """
    return Shown(script("alone", directory), command)
