"""Commands that take long, and say so."""

from typing import Any

from paramiko import SSHException
from pyinfra import logger
from pyinfra.api import Host, State, StringCommand
from pyinfra.connectors.util import CommandOutput

from voicemode_whisper.core.places import full_disks
from voicemode_whisper.operations.util.connection import say_lost
from voicemode_whisper.operations.util.outcome import outcome_of
from voicemode_whisper.operations.util.screen import MARK, SCREEN, on_terminal
from voicemode_whisper.scripts import script, shell

# Redrawn in place, a line a second is not too many.
LIVE = {"PROGRESS_INTERVAL": "1", "PROGRESS_MARK": MARK}


class WithProgress(StringCommand):
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
        if not status:
            _say_more(host, output.output_lines)
        return status, output if status else CommandOutput([])


def _say_more(host: Host, said: list[str]) -> None:
    """Say of a command that has failed, and said this, what may be why: a full disk, no host."""
    outcome_of(host).cause = next((line for line in reversed(said) if line.strip()), "")
    try:
        answers, rooms = shell.run(host, script("full-disks"))
    except (OSError, EOFError, SSHException):
        answers = False
    if not answers:
        say_lost(host)
        return
    for line in full_disks(said, rooms.stdout_lines):
        outcome_of(host).cause = line
        host.log_styled(line, fg="red", log_func=logger.error)


def with_progress(*words: str) -> WithProgress:
    """Run a program that says much, or nothing for long: what it does is shown every five seconds.

    If it fails, the end of what it said is shown. The words are quoted here.
    """
    return WithProgress(script("with-progress", *words))


def with_lock(directory: str, command: WithProgress) -> WithProgress:
    """The same command, after what an earlier run began in `directory` and is still at work there.

    pyinfra that was killed, or lost its connection, does not end what it runs on the host.
    """
    return WithProgress(script("with-lock", directory), command, **command.connector_arguments)
