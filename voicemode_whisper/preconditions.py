"""What every deploy needs of a host before it asks it anything else."""

import sys

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.machine import check_platform, check_user
from voicemode_whisper.facts.machine import SudoNeedsPassword, UserName
from voicemode_whisper.host import Host


def check_host(host: Host) -> None:
    """Refuse a host of the wrong kind, the wrong user, and a sudo that nobody can answer."""
    identity = host.identity
    check_platform(identity["os_release"], identity["architecture"], identity["init"])
    check_user(identity["user"])
    _check_sudo(host)


def _check_sudo(host: Host) -> None:
    asks = host.fact(SudoNeedsPassword)
    if asks and not host.pyinfra.data.get("_sudo_password") and not sys.stdin.isatty():
        raise UserError(
            "sudo: asks for a password, and there is no terminal to ask in; "
            "set the environment variable PYINFRA_SUDO_PASSWORD"
        )
    host.fact(UserName, _sudo=True)
