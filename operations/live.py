"""Versioned directories of which a symbolic link names the live one.

PATH-VERSION directories lie beside PATH, a link that is replaced by one rename: whoever looks sees
the old version or the new one, never half of both.
"""

import re
from collections.abc import Generator
from io import BytesIO

from pyinfra import host
from pyinfra.api import FileUploadCommand, QuoteString, StringCommand, operation

from facts.files import Exists, LinkTarget, Versions

# Twelve hexadecimal digits of a hash.
FINGERPRINT = "[0-9a-f]{12}"


@operation()
def switch(path: str, version: str) -> Generator[StringCommand]:
    """Make `path` a link to PATH-VERSION. What is no link there yet is kept as PATH.by-hand.

    + path: the link
    + version: what follows PATH- in the name of the directory
    """
    yield from point(path, f"{path.rpartition('/')[2]}-{version}")


def point(path: str, target: str) -> Generator[StringCommand]:
    """The commands that make `path` a link to its neighbour `target`."""
    if host.get_fact(LinkTarget, path=path) == target:
        host.noop(f"{path} is {target}")
        return
    quoted = QuoteString(path)
    aside, new = QuoteString(f"{path}.by-hand"), QuoteString(f"{path}.new")
    yield StringCommand(
        "if [ -e", quoted, "] && [ ! -L", quoted, "]; then mv -T --backup=numbered", quoted, aside,
        "; fi; ln -sfn", QuoteString(target), new, "&& mv -fT", new, quoted,
    )  # fmt: skip


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
        "&& rm", upload, "&& mv -T", partial, QuoteString(final),
    )  # fmt: skip


@operation()
def prune(path: str, version: str = FINGERPRINT, keep: int = 3) -> Generator[StringCommand]:
    """Remove all but the newest versions beside `path`, never the live one.

    Nothing is touched whose name is not that of a version: what a user keeps there is theirs.

    + path: the link
    + version: regular expression for what follows PATH- in the name of a version
    + keep: how many versions stay, the live one included
    """
    parent, _, base = path.rpartition("/")
    live = host.get_fact(LinkTarget, path=path)
    pattern = rf"{re.escape(base)}-{version}(\.partial|\.new)?"
    found = [name for name in host.get_fact(Versions, path=path) if re.fullmatch(pattern, name)]
    unfinished = [name for name in found if name.endswith((".partial", ".new"))]
    complete = [name for name in found if name not in unfinished and name != live]
    surplus = complete[keep - 1 :] + unfinished
    if not surplus:
        host.noop(f"no more than {keep} versions of {path}")
        return
    yield StringCommand("rm -rf", *(QuoteString(f"{parent}/{name}") for name in surplus))
