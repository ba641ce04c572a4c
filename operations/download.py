"""Large files that are resumed, verified and only then put in place."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import StringCommand, operation

from facts.files import KnownChecksum
from operations.scripts import script
from operations.shown import Shown


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
        yield Shown(script("fetch", url, path, sha256))
    yield script("stamp", path, sha256)
