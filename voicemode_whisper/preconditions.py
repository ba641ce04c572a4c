"""What every deploy needs of a host before it asks it anything else."""

from voicemode_whisper.core.machine import check_platform, check_user
from voicemode_whisper.core.places import check_home
from voicemode_whisper.host import Host
from voicemode_whisper.root import become_root


def check_host(host: Host) -> None:
    """Refuse a host of the wrong kind, the wrong user, and a sudo that nobody can answer."""
    identity = host.identity
    check_platform(identity["os_release"], identity["architecture"], identity["init"])
    check_user(identity["user"])
    check_home(identity["home"])
    become_root(host)
