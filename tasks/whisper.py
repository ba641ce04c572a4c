"""Stage 5: whisper.cpp, built and proved beside the live build."""

from operations import git, whisper
from tasks.target import Target, stage


@stage("whisper.cpp")
def build(target: Target) -> None:
    """Check out the release, build it for this host, and hear it transcribe with the model."""
    layout, release, order = target.layout, target.release, target.order
    git.checkout(
        name=f"Check out whisper.cpp {release.label}",
        repo=target.settings.whisper_repo,
        commit=release.commit,
        path=layout.checkout,
    )
    whisper.build(name=f"Build whisper.cpp {release.label}", layout=layout, order=order)
    whisper.prove(
        name=f"Hear whisper.cpp {release.label} transcribe",
        layout=layout,
        order=order,
        model=target.settings.model,
        kfd=target.settings.gpu_kfd,
    )
