"""Commands that take long, and say so."""

from typing import Any

from pyinfra.api import Host, State, StringCommand
from pyinfra.connectors.util import CommandOutput

from operations.scripts import script


class Shown(StringCommand):
    """A command whose output is shown as it comes, and not again when it fails."""

    def execute(
        self, state: State, host: Host, connector_arguments: Any
    ) -> tuple[bool, CommandOutput]:
        connector_arguments.update(self.connector_arguments)
        status, output = host.run_shell_command(
            self, print_output=True, print_input=state.print_input, **connector_arguments
        )
        return status, output if status else CommandOutput([])


def narrated(*words: str) -> Shown:
    """Run a program that says much, showing its last line every five seconds.

    If it fails, the end of what it said is shown. The words are quoted here.
    """
    return Shown(script("narrate", *words))
