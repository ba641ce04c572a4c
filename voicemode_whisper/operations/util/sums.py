"""Files on the host beside what they are to hold."""

import hashlib
from collections.abc import Mapping

from pyinfra import host

from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.files import Sha256Sums


def differing(files: Mapping[str, str]) -> list[str]:
    """The paths of those that do not hold this text, or are not there."""
    found = read_fact(host, Sha256Sums, paths=list(files))
    wanted = {path: hashlib.sha256(text.encode()).hexdigest() for path, text in files.items()}
    return [path for path, sha256 in wanted.items() if found.get(path) != sha256]
