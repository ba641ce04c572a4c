"""Versioned directories: PATH-VERSION, of which a generation names the one that serves."""

from collections.abc import Generator
from io import BytesIO

from pyinfra import host
from pyinfra.api import FileUploadCommand, QuoteString, StringCommand

from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.files import Exists
from voicemode_whisper.operations.util.connection import operation


@operation()
def unpack(archive: bytes, path: str, version: str) -> Generator[StringCommand | FileUploadCommand]:
    """Have PATH-VERSION, unpacked from a tar archive; it appears when it is complete.

    + archive: the tar file
    + path: the link beside which the version lies
    + version: what follows PATH- in the name of the directory
    """
    final = f"{path}-{version}"
    if read_fact(host, Exists, path=final):
        host.noop(f"{final} is there")
        return
    upload, partial = QuoteString(f"{final}.tar"), QuoteString(f"{final}.partial")
    yield StringCommand("mkdir -p", QuoteString(path.rpartition("/")[0]))
    yield FileUploadCommand(BytesIO(archive), f"{final}.tar")
    yield StringCommand(
        "rm -rf", partial, "&& mkdir", partial, "&& tar -xf", upload, "-C", partial,
        "&& rm", upload, "&& sync -f", partial, "&& mv -T", partial, QuoteString(final),
    )  # fmt: skip
