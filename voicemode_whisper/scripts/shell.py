"""The shell that everything runs in on a host, whatever the user's own is and has set.

A command is sent on standard input, so that the login shell sees one line that means the same to
bash, zsh, fish and tcsh, and that neither a script nor a password is in the list of processes.
Only stages run in it: what else pyinfra runs in the same deploy is left as it is.

What is known of a host is forgotten when anything is run there that does not say that it only
looks, whoever in this deploy it is of, or a file is sent.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any

from paramiko import ChannelException, SSHException
from pyinfra import logger
from pyinfra.api import HiddenValue, Host, QuoteString, StringCommand
from pyinfra.api.output import echo
from pyinfra.connectors import local, ssh
from pyinfra.connectors.util import CommandOutput, extract_control_arguments, make_unix_command

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.scripts import script, words
from voicemode_whisper.scripts.answers import Answer, Known, told_apart

# What pyinfra is given as _shell_executable: words that `-c COMMAND` follows.
CLEAN_SHELL = StringCommand(*map(QuoteString, words("clean-shell"))).get_raw_value()
# Names in pyinfra's data on a connection: where it keeps a password, and what is used for sudo.
PASSWORD, ROOT_TOOL = "prompted_sudo_password", "voicemode_whisper_root_tool"
# In the place of a tool, where nothing is to be run by root: what would be is run by the user.
NO_ROOT = "none"
# What is known of it (see answers.py).
KNOWN = "voicemode_whisper_known"
CONNECTORS = (ssh.SSHConnector, local.LocalConnector)

_START = """/bin/sh -c 'eval "$(/bin/cat)"'"""
# For sudo and doas, which say in English what they have to say. On Arch sh is bash, which knows the
# functions that another bash has exported.
_PREPARE = (
    "unset -f sh sudo doas printf; "
    "PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C; export PATH LC_ALL; unset LANGUAGE;"
)

# Whether what is run now only looks at its host.
_LOOKING: ContextVar[bool] = ContextVar("looking", default=False)


class OneSessionError(UserError):
    """sshd gives a connection one session, and a run holds its lock in one while others run."""

    def __init__(self) -> None:
        super().__init__(
            "ssh: sshd gives a connection one session, needed are two; "
            "have MaxSessions 10, its default, in /etc/ssh/sshd_config"
        )


def run(host: Host, command: str | StringCommand, **arguments: Any) -> tuple[bool, CommandOutput]:
    """Run a command where pyinfra's own way does not take the stage's arguments along."""
    return host.run_shell_command(command, _shell_executable=CLEAN_SHELL, **arguments)


def _as_root(host: Host, password: str | None) -> list[StringCommand]:
    """The words that a command follows which is run by root; none where nothing is."""
    tool = host.connector_data.get(ROOT_TOOL)
    if tool:
        return [] if tool == NO_ROOT else [StringCommand(tool, "-n")]
    if not password:
        return [StringCommand("sudo -H -n")]
    # sudo asks once: there is no second line. It would count three failures otherwise.
    line = QuoteString(HiddenValue(password))
    return [StringCommand("printf '%s\\n'", line, "| sudo -H -S -k -p ''")]


def _given(lines: Any) -> list[StringCommand]:
    """What hands a command that is not root's the lines of its own standard input."""
    if not lines:
        return []
    quoted = (QuoteString(HiddenValue(line)) for line in lines)
    return [StringCommand("printf '%s\\n'", *quoted, "|")]


@contextmanager
def looking() -> Iterator[None]:
    """What is run meanwhile changes nothing on a host: what is known of it stays so."""
    token = _LOOKING.set(True)
    try:
        yield
    finally:
        _LOOKING.reset(token)


def known_of(host: Host) -> Known:
    """What is known of a host since something was last run on it that may have changed it."""
    known: Known = host.connector_data.setdefault(KNOWN, Known())
    return known


def has_shell(host: Host) -> bool:
    """Whether CLEAN_SHELL is there: over SSH and on this machine, not in pyinfra's containers."""
    return isinstance(host.connector, CONNECTORS)


def run_all(
    host: Host, commands: Sequence[StringCommand], **arguments: Any
) -> Sequence[Answer] | None:
    """Run commands that only look, as one; None where that does not work.

    Nothing is said of it then: whoever runs one of them alone hears why.
    """
    together = script("run-all", *(command.get_raw_value() for command in commands))
    try:
        with looking():
            _, said = host.run_shell_command(together, **arguments)
    except (OSError, EOFError, SSHException, UserError) as error:
        logger.debug("Several commands as one on %s: %s", host.name, error)
        return None
    return told_apart(said.stdout_lines, len(commands))


def _on_stdin(run: Callable[..., Any]) -> Callable[..., Any]:
    """A connector's way to run a command, with what is to run in CLEAN_SHELL on standard input."""

    @wraps(run)
    def run_shell_command(
        self: Any,
        command: StringCommand,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Any,
    ) -> Any:
        if not _LOOKING.get():
            known_of(self.host).forget()
        if arguments.get("_shell_executable") != CLEAN_SHELL:
            return run(self, command, print_output, print_input, **arguments)
        control = extract_control_arguments(arguments)  # type: ignore[arg-type]
        password = arguments.pop("_sudo_password", None) or self.host.connector_data.get(PASSWORD)
        root = _as_root(self.host, password) if arguments.pop("_sudo", False) else []
        given = _given(control.pop("_stdin", None))
        text = StringCommand(_PREPARE, *given, *root, make_unix_command(command, **arguments))
        shown = make_unix_command(command, **{**arguments, "_shell_executable": "sh"})
        logger.debug("Running command on %s: %s", self.host.name, StringCommand(*root, shown))
        if print_input:
            echo(f"{self.host.print_prefix}>>> {StringCommand(*root, shown)}", err=True)
        start = {**control, "_shell_executable": None, "_stdin": text.get_raw_value()}
        try:
            return run(self, StringCommand(_START), print_output, **start)
        except ChannelException as error:
            raise OneSessionError from error

    return run_shell_command


def _forgetting(send: Callable[..., Any]) -> Callable[..., Any]:
    """A connector's way to send files, after which what is known of the host may not be so."""

    @wraps(send)
    def put(self: Any, *args: Any, **arguments: Any) -> Any:
        known_of(self.host).forget()
        return send(self, *args, **arguments)

    return put


for connector in CONNECTORS:
    connector.run_shell_command = _on_stdin(  # type: ignore[method-assign]
        connector.run_shell_command
    )
    connector.put_file = _forgetting(connector.put_file)  # type: ignore[method-assign]
    connector.rsync = _forgetting(connector.rsync)  # type: ignore[method-assign]
