"""The SHA-256 of a model, read whole: that takes seconds, so how far it is is shown."""

import re

from pyinfra.api import Host

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.operations.util.progress import WithProgress
from voicemode_whisper.scripts import script


def take_sum(host: Host, path: str) -> str:
    """Read the file at `path` on a host; UserError where that fails."""
    read, said = WithProgress(script("model-sum", path)).execute(host.state, host, {})
    sums = [line[:64] for line in said.stdout_lines if re.match(r"[0-9a-f]{64}\b", line)]
    if not read or not sums:
        raise UserError(f"model: {path} cannot be read to its end; the kernel's log may say why")
    return sums[-1]
