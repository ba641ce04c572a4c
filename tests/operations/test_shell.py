"""What a command is given on standard input, in the shell that everything runs in."""

from pyinfra.api import Config, Inventory, State, StringCommand
from pyinfra.api.connect import connect_all

from voicemode_whisper.core.urls import Hidden
from voicemode_whisper.scripts.shell import run

SECRET = "s3cr'et\\ $(x)"


def test_a_command_is_given_its_own_lines_which_no_command_line_shows():
    state = State(Inventory((["@local"], {})), Config())
    connect_all(state)
    (host,) = state.inventory
    look = "cat; tr '\\0' '\\n' < /proc/$$/cmdline; tr '\\0' '\\n' < /proc/$PPID/cmdline"
    done, said = run(host, StringCommand(look), _stdin=Hidden([SECRET, "two"]))
    assert done
    first, second, *command_lines = said.stdout_lines
    assert (first, second) == (SECRET, "two")
    assert command_lines
    assert not any("s3cr" in line for line in command_lines)
