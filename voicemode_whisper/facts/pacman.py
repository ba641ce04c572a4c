"""pacman's view of packages."""

import re
from collections.abc import Iterable, Sequence

from pyinfra.api import StringCommand

from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script

# As PKGBUILD(5) allows them.
NAME = re.compile(r"[\w@.+-]+", re.ASCII)


class MissingPackages(Fact[list[str]]):
    """Those of `packages` that nothing installed provides, and what an installation left broken."""

    default = list

    def command(self, packages: Sequence[str]) -> StringCommand:
        return script("missing-packages", *packages)

    def process(self, output: Iterable[str]) -> list[str]:
        names = list(dict.fromkeys(output))
        for name in names:
            if not NAME.fullmatch(name):
                raise ValueError(f"no name of a package: {name!r}")
        return names
