"""Versioned directories of which a symbolic link names the live one.

PATH-VERSION directories lie beside PATH, a link that is replaced by one rename: whoever looks sees
the old version or the new one, never half of both.
"""

from collections.abc import Generator
from io import BytesIO

from pyinfra import host
from pyinfra.api import FileUploadCommand, QuoteString, StringCommand

from facts.files import Exists, LinkTarget
from operations.connection import operation
from operations.scripts import script


@operation()
def switch(path: str, version: str) -> Generator[StringCommand]:
    """Make `path` a link to PATH-VERSION. What somebody else put there is kept as PATH.by-hand.

    + path: the link
    + version: what follows PATH- in the name of the directory, twelve hexadecimal digits
    """
    yield from point(path, f"{path.rpartition('/')[2]}-{version}")


def point(path: str, target: str) -> Generator[StringCommand]:
    """The commands that make `path` a link to its neighbour `target`."""
    if host.get_fact(LinkTarget, path=path) == target:
        host.noop(f"{path} is {target}")
        return
    yield script("point", path, target)


@operation()
def unpack(archive: bytes, path: str, version: str) -> Generator[StringCommand | FileUploadCommand]:
    """Have PATH-VERSION, unpacked from a tar archive; it appears when it is complete.

    + archive: the tar file
    + path: the link beside which the version lies
    + version: what follows PATH- in the name of the directory
    """
    final = f"{path}-{version}"
    if host.get_fact(Exists, path=final):
        host.noop(f"{final} is there")
        return
    upload, partial = QuoteString(f"{final}.tar"), QuoteString(f"{final}.partial")
    yield FileUploadCommand(BytesIO(archive), f"{final}.tar")
    yield StringCommand(
        "rm -rf", partial, "&& mkdir", partial, "&& tar -xf", upload, "-C", partial,
        "&& rm", upload, "&& sync -f", partial, "&& mv -T", partial, QuoteString(final),
    )  # fmt: skip
