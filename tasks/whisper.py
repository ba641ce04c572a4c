"""Stage 5: whisper.cpp, built beside the live build and switched to when it works."""

from core.build import Order
from operations import git, live, whisper
from tasks.target import Target, stage


@stage("whisper.cpp")
def build(target: Target) -> None:
    """Check out the release, build it for this host, hear it transcribe, make it the live one."""
    layout, release = target.layout, target.release
    order = Order(release, target.backend, target.gpu_targets)
    git.checkout(
        name=f"Check out whisper.cpp {release.label}",
        repo=target.settings.whisper_repo,
        commit=release.commit,
        path=layout.checkout,
    )
    whisper.build(
        name=f"Build whisper.cpp {release.label}",
        layout=layout,
        order=order,
        model=target.model_path,
    )
    whisper.switch(name=f"Switch to whisper.cpp {release.label}", layout=layout, order=order)
    live.prune(name="Keep the last three builds", path=layout.build)
