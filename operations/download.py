"""Large files that are resumed, verified and only then put in place."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from facts.files import Downloads, KnownChecksum
from operations.connection import operation
from operations.scripts import script
from operations.shown import Shown, alone


@operation()
def verified(url: str, path: str, sha256: str) -> Generator[StringCommand]:
    """Have the file with this SHA-256 at `path`, downloading it where another or none is there.

    + url: http, https or file URL
    + path: where the file belongs; its directory exists
    + sha256: the sum that it must have
    """
    present = host.get_fact(KnownChecksum, path=path)
    right = present if present and present.sha256 == sha256 else None
    if right and right.stamped:
        host.noop(f"{path} is there and verified")
        return
    if not right:
        yield alone(path.rpartition("/")[0], Shown(script("fetch", url, path, sha256)))
    yield script("stamp", path, sha256)


@operation()
def absent(directory: str, files: bool) -> Generator[StringCommand]:
    """Remove the stamps and unfinished downloads that `verified` leaves in a directory.

    + directory: where it put files
    + files: whether to remove the files that it put there too
    """
    leavings = host.get_fact(Downloads, directory=directory)
    if not leavings:
        host.noop(f"nothing of ours is in {directory}")
        return
    whole = [path.removesuffix(".sha256") for path in leavings if path.endswith(".sha256")]
    unwanted = [*leavings, *(whole if files else [])]
    yield StringCommand("rm -f", *map(QuoteString, unwanted))
