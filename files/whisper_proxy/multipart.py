"""The parts of a multipart/form-data body (RFC 7578), one after the other.

The parser is the push parser of `multipart`, which searches each chunk once. aiohttp's own reader
goes through the body line by line, which for 25 MB of audio is most of the time that a request
takes.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeAlias

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

MAX_HEAD_BYTES = 8192  # for one header of a part: aiohttp's limit for those of a request
# What a text may be in (RFC 7578, 4.5). Java's Apache HttpClient says, and sends, the first unless
# it is told otherwise. Others are no codec's name here, as some of Python's take quadratic time.
CHARSETS = {"iso-8859-1": "latin-1", "windows-1252": "cp1252", "utf-8": "utf-8"}

MalformedError = MultipartError

# What the parser finds: a part's head, some of its content, or None at its end.
Event: TypeAlias = MultipartSegment | bytes | None
END: Final = b""  # of the body


class Multipart:
    """The parts of a body of this Content-Type. Each is read, or skipped, before the next one.

    `read` returns the next bytes of the body, b"" at its end. Methods raise MalformedError, and
    whatever `read` raises. `charset` is that of the part, if it is a text.
    """

    charset = "utf-8"

    def __init__(self, content_type: str, read: Callable[[], Awaitable[bytes]]) -> None:
        boundary = parse_options_header(content_type)[1].get("boundary", "")
        # File names, which nobody reads, may be in any charset: every byte is a letter in Latin-1.
        self._parser = PushMultipartParser(
            boundary, max_header_size=MAX_HEAD_BYTES, header_charset="latin-1"
        )
        self._read = read
        self._events: Iterator[Event] = iter(())

    async def next_part(self) -> str | None:
        """Return the field name of the next part, None if there is none."""
        while not isinstance(event := await self._event(), MultipartSegment):
            if event is END:
                return None
        if not event.name:
            raise MalformedError("a part without a name")
        self.charset = CHARSETS.get((event.charset or "").lower(), "utf-8")
        return str(event.name)

    async def chunk(self) -> bytes:
        """Return more of the part's content; b"" once, at its end."""
        event = await self._event()
        return event if isinstance(event, bytes) else b""

    async def _event(self) -> Event:
        while True:
            for event in self._events:
                return event
            if self._parser.closed:
                return END
            # At the end of the body the parser raises unless all parts have ended.
            self._events = self._parser.parse(await self._read())
