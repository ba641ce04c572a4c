"""How the deploy becomes root on a host: with sudo, which may ask for a password, or with doas."""

import sys
from getpass import getpass

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.root_tools import no_password, no_terminal, no_tool, refused
from voicemode_whisper.facts.machine import RootTools, SudoRefusal
from voicemode_whisper.host import Host
from voicemode_whisper.scripts import shell


def become_root(host: Host) -> None:
    """Know how to become root from here on; UserError where this user cannot.

    A password is asked for once for each host, before anything is run that needs it: in what words
    sudo says that it wants one differs with the language, and with sudo-rs.
    """
    if host.settings.unattended:
        host.pyinfra.connector_data[shell.ROOT_TOOL] = shell.NO_ROOT
        return
    refusal: str = host.fact(SudoRefusal)
    if refusal:
        tools: list[str] = host.fact(RootTools)
        if "sudo" in tools and "must have a tty" in refusal:
            raise UserError(no_terminal(host.identity["user"]))
        if "sudo" in tools:
            _authenticate(host)
        elif "doas -n" in tools:
            host.pyinfra.connector_data[shell.ROOT_TOOL] = "doas"
        else:
            raise UserError(no_tool(tools, host.identity["user"]))


def _authenticate(host: Host) -> None:
    """Have a password that sudo takes."""
    given = host.pyinfra.data.get("_sudo_password")
    if not given and not sys.stdin.isatty():
        raise UserError(no_password())
    password = given or host.pyinfra.connector_data.get(shell.PASSWORD)
    password = password or getpass(f"{host.pyinfra.print_prefix}sudo password: ")
    # Once: where it is wrong sudo asks again, and that nobody answers is a failure too, of which
    # pam_faillock on Arch takes three before it locks the account.
    taken, said = shell.run(host.pyinfra, "true", _sudo=True, _sudo_password=password)
    if not taken:
        user = host.identity["user"]
        raise UserError(refused(said.output_lines, user, from_environment=bool(given)))
    host.pyinfra.connector_data[shell.PASSWORD] = password
