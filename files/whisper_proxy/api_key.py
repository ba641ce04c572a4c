"""The API key that clients must send, as its file says now."""

import hmac
import logging
from pathlib import Path

from .errors import ApiError
from .file_stamp import UNKNOWN, Stamp, file_stamp, is_settled

LOG = logging.getLogger(__name__)

OTHERS = 0o077


def read_key(file: Path) -> str:
    """Return the key that a file holds, or raise ValueError with what is allowed."""
    try:
        key = file.read_text("ascii").strip()
    except (OSError, ValueError):
        key = ""
    if not (key.isprintable() and len(key.split()) == 1):
        raise ValueError("a readable file that holds one key, in ASCII without spaces")
    return key


class ApiKey:
    """The key in a file, which is read again when the file has changed.

    There is one key at a time: the new one from the moment that the file has it. Without a file no
    key is needed. A file that is gone, or holds none, lets nobody in.
    """

    def __init__(self, file: str) -> None:
        self._file = Path(file) if file else None
        self._seen = UNKNOWN
        self._key: bytes | None = None
        if self._file:
            self._refresh(self._file)

    def check(self, authorization: str) -> None:
        """Raise ApiError unless an Authorization header has the key: 401, or 503 without a file."""
        if not self._file:
            return
        self._refresh(self._file)
        if self._key is None:
            message = "The server's API key cannot be read; its log says more."
            raise ApiError(503, message, code="api_key_unavailable")
        if not _has_key(authorization, self._key):
            message = "The API key is missing or wrong. Send it as 'Authorization: Bearer KEY'."
            headers = {"WWW-Authenticate": "Bearer"}
            raise ApiError(401, message, code="invalid_api_key", headers=headers)

    @property
    def current(self) -> bytes:
        """The key as its file says now, b"" without one."""
        if self._file:
            self._refresh(self._file)
        return self._key or b""

    @property
    def wanted(self) -> bool:
        """Whether clients must send a key."""
        return bool(self._file)

    def _refresh(self, file: Path) -> None:
        """Read the file if it is not as it was seen, and say once what is wrong with it."""
        stamp = file_stamp(file)
        if stamp != self._seen:
            self._seen = stamp if is_settled(stamp) else UNKNOWN
            self._read(file, stamp)

    def _read(self, file: Path, stamp: Stamp) -> None:
        had, self._key = self._key, None
        try:
            self._key = read_key(file).encode()
        except ValueError as allowed:
            if had is not None:
                LOG.error("nobody is let in: %s must be %s", file, allowed)
        else:
            if self._key != had and stamp[-1] & OTHERS:
                LOG.warning("others can read the API key; run: chmod 600 %s", file)


def _has_key(authorization: str, key: bytes) -> bool:
    scheme, _, sent = authorization.partition(" ")
    # As bytes, since compare_digest accepts only ASCII text.
    same = hmac.compare_digest(sent.strip().encode(errors="surrogateescape"), key)
    return same and scheme.lower() == "bearer"
