"""How many live sessions there are, and may be."""

from collections.abc import Iterator
from contextlib import contextmanager

from .errors import ApiError

RETRY_AFTER = {"Retry-After": "5"}


class LiveSessions:
    """Counts live sessions: each takes up to 20 MB of memory, and 3 to 8 % of a core."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.open = 0

    @contextmanager
    def session(self) -> Iterator[None]:
        """Count a session for the duration of the context, or raise ApiError: 503, or 404."""
        if not self.limit:
            message = "Live sessions are switched off: WHISPER_PROXY_LIVE_SESSIONS is 0."
            raise ApiError(404, message, code="unknown_url")
        if self.open >= self.limit:
            message = f"{self.limit} live sessions are open, as many as may be. Try again."
            raise ApiError(503, message, code="too_many_sessions", headers=RETRY_AFTER)
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1
