"""Stage 2: the toolchain, in one pacman transaction."""

from core.build import packages
from operations import pacman
from tasks.target import Target, stage


@stage("Packages")
def install(target: Target) -> None:
    """Install the packages that the backend needs, ROCm among them for a GPU."""
    pacman.packages(
        name="Install what is missing of the toolchain",
        packages=packages(target.backend),
        _sudo=True,
    )
