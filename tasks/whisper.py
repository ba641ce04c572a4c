"""Stage 5: whisper.cpp, built and accepted beside the live build."""

from voicemode_whisper.core.urls import split_login
from voicemode_whisper.host import Host
from voicemode_whisper.operations import generations, git, whisper
from voicemode_whisper.operations.util.generations import unless_rejected
from voicemode_whisper.stage import stage


@stage("whisper.cpp")
def build(host: Host) -> None:
    """Check out the release, build it for this host, and have it transcribe with the model."""
    layout, release, spec = host.layout, host.release, host.generation_spec
    repo, login = split_login(host.settings.whisper_repo)
    not_rejected = unless_rejected(layout, spec)
    generations.adopt(
        name="Adopt what was set up otherwise",
        layout=layout,
        api_key_file=host.settings.proxy_api_key_file,
    )
    git.checkout(
        name=f"Check out whisper.cpp {release.label}",
        repo=repo,
        login=login,
        commit=release.commit,
        path=layout.checkout,
        _if=not_rejected,
    )
    whisper.build(
        name=f"Build whisper.cpp {release.label}", layout=layout, spec=spec.build, _if=not_rejected
    )
    whisper.accept(
        name=f"Test whisper.cpp {release.label} with {spec.model.name}",
        layout=layout,
        spec=spec,
        kfd=host.settings.gpu_kfd,
        _if=not_rejected,
    )
