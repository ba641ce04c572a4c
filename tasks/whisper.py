"""Stage 5: whisper.cpp, built beside the live build and switched to when it works."""

from operations import git, live, whisper
from tasks.target import Target, stage


@stage("whisper.cpp")
def build(target: Target) -> None:
    """Check out the release, build it for this host, hear it transcribe, make it the live one."""
    layout, release, order = target.layout, target.release, target.order
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
    live.prune(
        name="Keep the last three builds", path=layout.build, version=f".+-{live.FINGERPRINT}"
    )
