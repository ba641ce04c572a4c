"""Large files that are resumed, verified and only then put in place."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.urls import download_options, masked
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.files import Downloads
from voicemode_whisper.facts.models import ModelFiles
from voicemode_whisper.facts.user_unit import SYSTEMCTL
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.progress import WithProgress, with_lock
from voicemode_whisper.scripts import script


@operation()
def verified(
    url: str, path: str, sha256: str, size: int | None = None, used_by: str = ""
) -> Generator[StringCommand]:
    """Have the file with this SHA-256 at `path`, downloading it where another or none is there.

    + url: http, https or file URL; credentials in it are shown nowhere
    + path: where the file belongs; its directory need not exist
    + sha256: the sum that it must have
    + size: its bytes, where they are known: no more are downloaded
    + used_by: the user's unit to restart where the file was damaged, which it may have read
    """
    directory, _, name = path.rpartition("/")
    present = read_fact(host, ModelFiles, directory=directory, names=(name,)).get(name)
    right = present if present and present.sha256 == sha256 else None
    if right and right.stamped:
        host.noop(f"{path} is there and verified")
        return
    if not right:
        yield StringCommand("mkdir -p", QuoteString(directory))
        fetch = script("fetch", masked(url), path, sha256, str(size or ""))
        through = script("with-proxies", "")
        yield with_lock(directory, WithProgress(through, fetch, _stdin=download_options(url)))
        # A stamp from before there were samples is no damage.
        if used_by and present and present.recorded == sha256:
            yield StringCommand(SYSTEMCTL, "try-restart", QuoteString(used_by), "|| true")
    yield script("stamp", path, sha256, *([] if right else ["downloaded"]))


@operation()
def absent(directory: str, files: bool) -> Generator[StringCommand]:
    """Remove the stamps and unfinished downloads that `verified` leaves in a directory.

    + directory: where it put files
    + files: whether to remove the files that it put there too
    """
    leavings = read_fact(host, Downloads, directory=directory)
    if not leavings:
        host.noop(f"nothing of ours is in {directory}")
        return
    whole = [path.removesuffix(".sha256") for path in leavings if path.endswith(".sha256")]
    unwanted = [*leavings, *(whole if files else [])]
    yield StringCommand("rm -f", *map(QuoteString, unwanted))
