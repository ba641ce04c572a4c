"""Client secrets: keys for a while, for pages and phones, which open live sessions and no more.

What a secret allows stands in it, signed, so that none has to be remembered. They end with the
process, and with the API key of their time.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from .api_key import ApiKey
from .errors import ApiError, invalid

PREFIX = "ek_"  # by which OpenAI's clients know that a page may have it
SIGNATURE_BYTES = 32
# It is sent in a header, of which servers take 8 KiB.
MAX_CHARACTERS = 7 * 1024


class ClientSecrets:
    """Makes and checks client secrets."""

    def __init__(self, api_key: ApiKey) -> None:
        self._api_key = api_key
        # Besides the API key: who has a secret could otherwise try keys, as fast as he can.
        self._random = secrets.token_bytes(SIGNATURE_BYTES)

    def issue(self, session: object, seconds: int) -> tuple[str, int]:
        """Return a secret for sessions configured so, and when it expires, as Unix time.

        Raises ApiError 400 if what they are configured to is too long.
        """
        expires_at = int(time.time()) + seconds
        content = json.dumps([expires_at, session], separators=(",", ":")).encode()
        signed = base64.urlsafe_b64encode(self._signature(content) + content)
        value = PREFIX + signed.rstrip(b"=").decode()
        if len(value) > MAX_CHARACTERS:
            raise _too_long(len(value))
        return value, expires_at

    def is_ours(self, value: str) -> bool:
        """Whether a secret was made here."""
        return self._content(value) is not None

    def session(self, value: str) -> object:
        """Return how sessions of a secret are configured, or raise ApiError 401."""
        expires_at, session = self._content(value) or (0.0, None)
        if expires_at <= time.time():
            message = "The client secret has expired, or is none of this server's."
            raise ApiError(401, message, code="invalid_api_key")
        return session

    def _content(self, value: str) -> list[Any] | None:
        try:
            encoded = value.removeprefix(PREFIX).encode("ascii")
            signed = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), b"-_", validate=True)
        except ValueError:
            return None
        content = signed[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signed[:SIGNATURE_BYTES], self._signature(content)):
            return None
        found: list[Any] = json.loads(content)
        return found

    def _signature(self, content: bytes) -> bytes:
        return hmac.digest(self._random + self._api_key.current, content, hashlib.sha256)


def _too_long(length: int) -> ApiError:
    limit = f"would have {length} characters, but at most {MAX_CHARACTERS} fit into a header"
    message = f"With `session`, the secret {limit}: send a long prompt in `session.update` instead."
    return invalid("session", message)
