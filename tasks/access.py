"""Stage 3: the user may use the GPU, and the services run without a login."""

from operations import login
from tasks.target import Target, stage

GPU_GROUPS = ["render", "video"]


@stage("Access")
def grant(target: Target) -> None:
    """Add the user to the GPU's groups and let their services run from boot on."""
    user, uid = target.identity["user"], target.identity["uid"]
    login.join(name="Join the render and video groups", user=user, groups=GPU_GROUPS, _sudo=True)
    login.linger(name="Run services without a login", user=user, uid=uid, _sudo=True)
    if target.backend == "hip":
        login.take_effect(
            name="Have the groups count at once",
            user=user,
            uid=uid,
            groups=GPU_GROUPS,
            _sudo=True,
        )
