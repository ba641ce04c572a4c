"""Names for contents: twelve hexadecimal digits that change when anything of it does."""

import hashlib

PATTERN = "[0-9a-f]{12}"


def fingerprint(content: bytes | str) -> str:
    """The first twelve hexadecimal digits of the content's SHA-256."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()[:12]
