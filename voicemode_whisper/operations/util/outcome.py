"""What is known of each host at the end of a run."""

import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from pyinfra.api import Host

from voicemode_whisper.core.generations import Generation


@dataclass
class Outcome:
    """What has become of a host so far.

    `serving` is the generation that served when it was last asked, `cause` why it failed, in a
    line, `seconds` those that the run has worked on it.
    """

    serving: Generation | None = None
    cause: str = ""
    seconds: float = 0.0
    _begun: float | None = None

    def begin(self) -> None:
        """The run works on this host from now on."""
        self._begun = time.monotonic()

    def end(self) -> None:
        """The run goes on to other hosts, or waits for them."""
        if self._begun is not None:
            self.seconds += time.monotonic() - self._begun
        self._begun = None


_OUTCOMES: WeakKeyDictionary[Host, Outcome] = WeakKeyDictionary()


def outcome_of(host: Host) -> Outcome:
    """The host's outcome so far, to be read and to be changed."""
    return _OUTCOMES.setdefault(host, Outcome())
