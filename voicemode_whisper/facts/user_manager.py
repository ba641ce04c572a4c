"""The user's own service manager."""

from collections.abc import Iterable

from pyinfra.api import StringCommand

from voicemode_whisper.core.layout import UNITS, Layout
from voicemode_whisper.core.user_manager import UserManager, parse_user_manager
from voicemode_whisper.facts.base import Fact
from voicemode_whisper.scripts import script


class UserManagerState(Fact[UserManager]):
    """What systemd says of the user's manager, and which files there change the deploy's units."""

    default = UserManager

    def command(self, layout: Layout) -> StringCommand:
        return script("user-manager", layout.units, *UNITS)

    def process(self, output: Iterable[str]) -> UserManager:
        return parse_user_manager(output)
