"""Units of the user's own service manager, judged by the process that runs."""

from collections.abc import Generator, Sequence

from pyinfra import host
from pyinfra.api import FileUploadCommand, QuoteString, StringCommand

from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.files import Sha256Sums, Without
from voicemode_whisper.facts.user_unit import SYSTEMCTL
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.progress import with_progress

Command = StringCommand | FileUploadCommand


@operation()
def kept_by_hand(paths: Sequence[str], marker: str) -> Generator[StringCommand]:
    """Keep a copy PATH.by-hand of unit files that somebody else wrote, before they are replaced.

    + paths: of the unit files, which need not exist
    + marker: a line that stands in the deploy's own unit files
    """
    found = read_fact(host, Without, paths=paths, text=marker)
    if not found:
        host.noop("no unit was written by hand")
    for path in found:
        unit, copy = QuoteString(path), QuoteString(f"{path}.by-hand")
        yield StringCommand("cmp -s", unit, copy, "|| cp -p --backup=numbered", unit, copy)


@operation()
def absent(paths: Sequence[str], marker: str) -> Generator[StringCommand]:
    """Stop, disable and remove units of the deploy; put units that were there before it back.

    Those are not started: what they ran may be gone.

    + paths: of the unit files, which need not exist, in the order in which they are to be stopped
    + marker: a line that stands in the deploy's own unit files
    """
    theirs = read_fact(host, Without, paths=paths, text=marker)
    present = read_fact(host, Sha256Sums, paths=[*paths, *(f"{path}.by-hand" for path in paths)])
    ours = [path for path in paths if path in present and path not in theirs]
    if not ours:
        host.noop("no unit of the deploy is there")
        return
    units = [QuoteString(path.rpartition("/")[2]) for path in ours]
    yield with_progress("sh", "-c", f"{SYSTEMCTL} disable --now {StringCommand(*units)}")
    yield StringCommand("rm", *map(QuoteString, ours))
    for path in ours:
        if f"{path}.by-hand" in present:
            yield StringCommand("mv", QuoteString(f"{path}.by-hand"), QuoteString(path))
    yield StringCommand(SYSTEMCTL, "daemon-reload")
    directory = QuoteString(paths[0].rpartition("/")[0])
    yield StringCommand("rmdir -p --ignore-fail-on-non-empty", directory, "2>/dev/null || true")
