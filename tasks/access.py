"""Stage 3: the user may use the GPU, and the services run without a login."""

from voicemode_whisper.core.device_access import GPU_GROUPS
from voicemode_whisper.host import Host
from voicemode_whisper.operations import login
from voicemode_whisper.stage import stage


@stage("Access", where=Host.is_attended)
def grant(host: Host) -> None:
    """Add the user to the GPU's groups and let their services run from boot on."""
    user, uid = host.identity["user"], host.identity["uid"]
    if host.serves():
        login.join(
            name="Join the render and video groups", user=user, groups=GPU_GROUPS, _sudo=True
        )
    login.linger(
        name="Run services without a login",
        user=user,
        uid=uid,
        at_boot=not host.places.late,
        _sudo=True,
    )
    if host.serves() and host.backend != "cpu":
        login.take_effect(
            name="Have the groups count at once",
            user=user,
            uid=uid,
            groups=GPU_GROUPS,
            _sudo=True,
        )
