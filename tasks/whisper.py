"""Stage 5: whisper.cpp, built and accepted beside the live build."""

from voicemode_whisper.core.generations import GenerationSpec
from voicemode_whisper.core.urls import split_login
from voicemode_whisper.host import Host
from voicemode_whisper.operations import generations, git, whisper
from voicemode_whisper.operations.util.choice import if_tried, unless_rejected
from voicemode_whisper.stage import stage


@stage("whisper.cpp", where=Host.serves)
def build(host: Host) -> None:
    """Check out the release, build it for this host, and have it transcribe with the model.

    For each backend that is to be tried: the next where one is refused, or all, for the fastest.
    """
    layout, release = host.layout, host.release
    repo, login = split_login(host.settings.whisper_repo)
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
        _if=unless_rejected(layout, host.choice),
    )
    for spec in host.choice.specs:
        _build(host, spec)


def _build(host: Host, spec: GenerationSpec) -> None:
    layout, choice, build = host.layout, host.choice, spec.build
    tried = if_tried(layout, choice, spec)
    whisper.build(name=f"Build whisper.cpp {build.label}", layout=layout, spec=build, _if=tried)
    whisper.accept(
        name=f"Test whisper.cpp {build.label} with {spec.model.name}",
        layout=layout,
        spec=spec,
        choice=choice,
        kfd=host.settings.gpu_kfd,
        pci=host.settings.gpu_pci,
        _if=tried,
    )
