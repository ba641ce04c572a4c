"""multipart/form-data as it streams in (RFC 7578, RFC 2046 section 5.1), by one search per chunk.

aiohttp's own reader looks at every line of the body, which for 25 MB of audio is most of the time
that a request takes.
"""

import re
from collections.abc import Awaitable, Callable

MAX_HEAD_BYTES = 8192  # of one part's headers, as aiohttp allows for a request's
MAX_BOUNDARY = 70  # RFC 2046
CRLF = b"\r\n"
# One `; name=value` after another, so that what stands inside quotes is never taken for a name.
PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
FOLDED = re.compile(r"\r\n[ \t]+")
DISPOSITION = "content-disposition:"


class MalformedError(ValueError):
    """The body is no form."""


def parameters(header: str) -> dict[str, str]:
    """Return the parameters of a header such as `form-data; name="file"`, names in lower case."""
    return {name.lower(): _unquoted(value) for name, value in PARAMETER.findall(header)}


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) < 2 or value[0] + value[-1] != '""':
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])


def boundary(content_type: str) -> bytes:
    """Return the boundary that a Content-Type names, or raise MalformedError."""
    named = parameters(content_type).get("boundary", "")
    if not (0 < len(named) <= MAX_BOUNDARY and named.isascii()):
        raise MalformedError("no boundary")
    return named.encode()


class Multipart:
    """The parts of a body, each read to its end or skipped before the next.

    `read` returns the next bytes of the body, b"" at its end. Methods raise MalformedError, and
    what `read` raises.
    """

    def __init__(self, boundary: bytes, read: Callable[[], Awaitable[bytes]]) -> None:
        self._delimiter = CRLF + b"--" + boundary
        self._read = read
        self._buffer = CRLF  # as if it preceded the body: the first delimiter needs it
        self._at = 0  # what lies before it in the buffer is taken

    async def next_part(self) -> str | None:
        """Return the next part's field name, None when there are no more parts."""
        while await self.chunk():  # the rest of the last part, or what precedes the first
            pass
        self._take(len(self._delimiter))
        await self._fill(2)
        if self._buffer.startswith(b"--", self._at):
            return None
        padding, *lines = FOLDED.sub(" ", await self._head()).split("\r\n")
        if padding.strip(" \t"):
            raise MalformedError("no boundary line")
        return _name(lines)

    async def chunk(self) -> bytes:
        """Return more of the part's content; b"" at its end, and only there."""
        while True:
            end = self._buffer.find(self._delimiter, self._at)
            if end >= 0:
                return self._take(end - self._at)
            begun = self._begun()
            if begun:
                return self._take(begun)
            await self._more()

    def _begun(self) -> int:
        """Return how many bytes lie before what may be the beginning of a delimiter.

        Mostly that is all there are, and what is taken whole is not copied.
        """
        first = max(self._at, len(self._buffer) - len(self._delimiter) + 1)
        begun = self._buffer.find(b"\r", first)
        return (begun if begun >= 0 else len(self._buffer)) - self._at

    async def _head(self) -> str:
        # From the end of the boundary to the empty line. Names may be UTF-8 (RFC 7578, 5.1).
        while (end := self._buffer.find(CRLF + CRLF, self._at)) < 0:
            if self._left() > MAX_HEAD_BYTES:
                raise MalformedError("headers too long")
            await self._more()
        head = self._take(end - self._at).decode(errors="replace")
        self._take(len(CRLF + CRLF))
        return head

    async def _fill(self, size: int) -> None:
        while self._left() < size:
            await self._more()

    def _left(self) -> int:
        return len(self._buffer) - self._at

    async def _more(self) -> None:
        data = await self._read()
        if not data:
            raise MalformedError("the body ends before its last boundary")
        self._buffer = self._buffer[self._at :] + data if self._left() else data
        self._at = 0

    def _take(self, size: int) -> bytes:
        # A slice of everything is the same object.
        taken = self._buffer[self._at : self._at + size]
        self._at += size
        return taken


def _name(lines: list[str]) -> str:
    for line in lines:
        if line.lower().startswith(DISPOSITION):
            name = parameters(line).get("name")
            if name:
                return name
    raise MalformedError("a part without a name")
