"""Stage 2: the toolchain, in one pacman transaction."""

from voicemode_whisper.host import Host
from voicemode_whisper.operations import pacman
from voicemode_whisper.stage import stage


@stage("Packages", where=Host.is_attended)
def install(host: Host) -> None:
    """Install the packages that the backend needs, ROCm among them where that is used."""
    pacman.packages(
        name="Install what is missing of the toolchain",
        packages=host.packages,
        _sudo=True,
    )
