"""A streaming parser of multipart/form-data (RFC 7578, RFC 2046 section 5.1).

It searches each chunk once. aiohttp's own reader goes through the body line by line, which for
25 MB of audio is most of the time that a request takes.
"""

import re
from collections.abc import Awaitable, Callable

MAX_HEAD_BYTES = 8192  # for the headers of one part: aiohttp's limit for those of a request
MAX_BOUNDARY = 70  # RFC 2046
CRLF = b"\r\n"
# Matches each `; name=value` in turn, so that quoted text is never taken for a name.
PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
ESCAPED = re.compile(r"\\(.)")
FOLDED = re.compile(r"\r\n[ \t]+")
DISPOSITION = "content-disposition:"
TYPE = "content-type:"
# What a text may be in (RFC 7578, 4.5). Java's Apache HttpClient says, and sends, the first unless
# it is told otherwise. Others are no codec's name here, as some of Python's take quadratic time.
CHARSETS = {"iso-8859-1": "latin-1", "windows-1252": "cp1252", "utf-8": "utf-8"}


class MalformedError(ValueError):
    """The body is not a valid form."""


def parameters(header: str) -> dict[str, str]:
    """Return the parameters of a header such as `form-data; name="file"`, by lower-case name."""
    return {name.lower(): _unquoted(value) for name, value in PARAMETER.findall(header)}


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) < 2 or value[0] + value[-1] != '""':
        return value
    inner = value[1:-1]
    return ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def boundary(content_type: str) -> bytes:
    """Return the boundary that a Content-Type names, or raise MalformedError."""
    named = parameters(content_type).get("boundary", "")
    if not (0 < len(named) <= MAX_BOUNDARY and named.isascii()):
        raise MalformedError("no boundary")
    return named.encode()


class Multipart:
    """The parts of a body. Each is read, or skipped, before the next one.

    `read` returns the next bytes of the body, b"" at its end. Methods raise MalformedError, and
    whatever `read` raises. `charset` is that of the part, if it is a text.
    """

    charset = "utf-8"

    def __init__(self, boundary: bytes, read: Callable[[], Awaitable[bytes]]) -> None:
        self._delimiter = CRLF + b"--" + boundary
        self._read = read
        self._buffer = CRLF  # as if before the body: delimiters start with it
        self._at = 0  # everything before this offset is consumed

    async def next_part(self) -> str | None:
        """Return the field name of the next part, None if there is none."""
        while await self.chunk():  # the rest of the previous part, or the preamble
            pass
        self._take(len(self._delimiter))
        await self._fill(2)
        if self._buffer.startswith(b"--", self._at):
            return None
        padding, *lines = FOLDED.sub(" ", await self._head()).split("\r\n")
        if padding.strip(" \t"):
            raise MalformedError("no boundary line")
        self.charset = CHARSETS.get(_parameter(lines, TYPE, "charset").lower(), "utf-8")
        name = _parameter(lines, DISPOSITION, "name")
        if not name:
            raise MalformedError("a part without a name")
        return name

    async def chunk(self) -> bytes:
        """Return more of the part's content; b"" only at its end."""
        while True:
            end = self._buffer.find(self._delimiter, self._at)
            if end >= 0:
                return self._take(end - self._at)
            size = self._safe_size()
            if size:
                return self._take(size)
            await self._more()

    def _safe_size(self) -> int:
        """Return how many bytes precede the possible beginning of a delimiter.

        Usually that is the whole buffer, which is then passed on without a copy. A return alone is
        no beginning: sound has one in every fourth buffer's end.
        """
        first = max(self._at, len(self._buffer) - len(self._delimiter) + 1)
        start = self._buffer.find(b"\r", first)
        while start >= 0 and not self._delimiter.startswith(self._buffer[start:]):
            start = self._buffer.find(b"\r", start + 1)
        return (start if start >= 0 else len(self._buffer)) - self._at

    async def _head(self) -> str:
        # From the end of the boundary to the blank line. Names may be UTF-8 (RFC 7578, 5.1).
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
        # A slice of the whole buffer is the same object, not a copy.
        taken = self._buffer[self._at : self._at + size]
        self._at += size
        return taken


def _parameter(lines: list[str], header: str, name: str) -> str:
    """Return a parameter of a header, "" if there is none."""
    for line in lines:
        if line.lower().startswith(header):
            value = parameters(line).get(name)
            if value:
                return value
    return ""
