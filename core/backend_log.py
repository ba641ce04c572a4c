"""Which backend whisper-server uses, as its own log tells.

Nothing else tells: without a GPU it goes on with the CPU, and its /health says ok. The lines are
those of ggml and whisper.cpp v1.7.3 to v1.9.3. `use gpu = 1` is no evidence: builds for the CPU
print it too.
"""

import re
from collections.abc import Iterable

GPU_LINES = (r"whisper_backend_init_gpu: using ROCm\d+ backend", r"ROCm\d+ total size")
CPU_LINES = (r"failed to initialize ROCm", r"no GPU found", r"CPU total size")


def backend_in_use(lines: Iterable[str]) -> str | None:
    """ "hip" or "cpu" from the start-up log of whisper-server; None when the log does not tell."""
    text = "\n".join(lines)
    if any(re.search(line, text) for line in CPU_LINES):
        return "cpu"
    if all(re.search(line, text) for line in GPU_LINES):
        return "hip"
    return None
