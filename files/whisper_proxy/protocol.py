"""One connection: aiohttp's protocol, with bounds on what it may take of the process."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from .connections import Connections
from .errors import ApiError
from .middleware import new_id

LOG = logging.getLogger("whisper_proxy")

KIB = 1024
# What a connection may have received of a body that nobody reads, such as that of a second request:
# aiohttp stops reading at twice this.
BUFFER_BYTES = 128 * KIB
# Of anything that has to be parsed byte by byte: headers, and the sizes of chunks. 4 KiB of chunks
# of one byte each take 0.3 ms, and thirty connections may have as many in one turn of the loop.
SMALL_READ = 4 * KIB
MEDIUM_READ = 32 * KIB  # of a body whose chunks were large up to now
LARGE_READ = 256 * KIB  # of a body with a Content-Length
# All headers of a request together: 64 KiB, minus what follows them until the request begins.
MAX_HEAD_BYTES = 64 * KIB
# A client may send this much more than the payload, for the sizes of chunks, and a quarter of it:
# an average chunk of 24 bytes. The smallest that anybody sends is 10 ms of telephone sound, 80.
MAX_OVERHEAD = 8 * KIB


class Protocol(web.RequestHandler):
    """aiohttp's protocol, which reads little at a time, and answers errors in OpenAI's form."""

    __slots__ = (
        "_body",
        "_connections",
        "_head",
        "_length",
        "_open",
        "_read_bytes",
        "_serving",
        "_wire",
    )

    def __init__(self, manager: web.Server, connections: Connections, **kw: Any) -> None:
        super().__init__(manager, **kw)
        self._connections = connections
        self._open: asyncio.Transport | None = None  # aiohttp forgets its own before all is sent
        self._serving = False
        self._body: StreamReader = EMPTY_PAYLOAD  # of the last request whose headers have come
        self._length = 0  # of this body, 0 if it is chunked
        self._read_bytes = SMALL_READ
        self._wire = 0  # bytes received since it began
        self._head = 0  # bytes received of the next request's headers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve the connection."""
        super().connection_made(transport)
        assert isinstance(transport, asyncio.Transport)
        self._open = transport
        self._limit_read()
        self._connections.opened(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what is still in progress."""
        self._connections.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what was received. aiohttp calls it without any to go on where it paused."""
        before = len(self._messages)
        super().data_received(data)
        if len(self._messages) > before:
            self._begin_body(*self._messages[-1])
        elif not self._body.is_eof():
            self._check_chunks(len(data))
        elif not self._serving and not self._messages:
            self._check_head(len(data))
        self._limit_read()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on if it is paused: aiohttp asks for it with every chunk that is taken."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def _begin_body(self, message: RawRequestMessage | object, body: StreamReader) -> None:
        self._body = body
        self._length = self._wire = self._head = 0
        self._read_bytes = SMALL_READ
        if isinstance(message, RawRequestMessage) and not message.chunked:
            self._length = int(message.headers.get(hdrs.CONTENT_LENGTH, "0"))

    def _limit_read(self) -> None:
        """Read as much next time as the event loop can bear."""
        left = self._length - self._body.total_bytes
        size = max(self._read_bytes, min(left, LARGE_READ))
        # Transports have it as an attribute of their class, and read so much at a time. A protocol
        # with a buffer of its own could tell it too, but would copy every byte once more. Over TLS
        # it is nobody's: tls.py has set how much asyncio reads there.
        setattr(self._open, "max_size", size)  # noqa: B010

    def _check_head(self, received: int) -> None:
        self._head += received
        if self._head > MAX_HEAD_BYTES:
            super().data_received(b"\0")  # which no header may have: the parser refuses the request

    def _check_chunks(self, received: int) -> None:
        self._wire += received
        payload = self._body.total_bytes
        large = payload > 16 * max(self._wire - payload, KIB)
        self._read_bytes = MEDIUM_READ if large else SMALL_READ
        if self._wire - payload > MAX_OVERHEAD + payload / 4 and not self._body.exception():
            message = "The chunks of the body are too small."
            self._body.set_exception(ApiError(400, message, code="invalid_body"))

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Note that a request is in progress within the context."""
        self._serving = True
        self._connections.begin(self)
        try:
            yield
        finally:
            self._serving = False
            self._connections.end(self)

    def unsent(self) -> int:
        """Return how many bytes of answers the client has not taken yet.

        Over TLS up to 64 KiB more are in the transport below, of which nothing is told.
        """
        return self._open.get_write_buffer_size() if self._open else 0

    def abort(self) -> None:
        """Close the connection at once, whatever is unsent."""
        if self._open:
            self._open.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return a 400 if the HTTP parser refused the request."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        message = "The request is not valid HTTP, or its headers are too large."
        return refused(400, message, "invalid_http")

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log an exception, but for a client that has gone, or a broken body that was answered."""
        if not isinstance(kw.get("exc_info"), web.RequestPayloadError | ApiError | ConnectionError):
            super().log_exception(*args, **kw)


def refused(status: int, message: str, code: str) -> web.Response:
    """Return the response to a request that the application never sees, and log it."""
    request_id = new_id()
    LOG.info("request id=%s status=%d outcome=%s", request_id, status, code)
    response = ApiError(status, message, code=code, headers={"x-request-id": request_id}).response()
    response.force_close()
    return response
