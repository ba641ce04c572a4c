"""The client of a pool: of HAProxy, which has one queue for all its members.

A request waits there without its recording: that is sent when a member takes it (`Expect:
100-continue`, RFC 9110, section 10.1.1). So a turn is told from a wait, who asks again sends no
recording twice for nothing, and what waits takes no memory of the kernel's.
"""

import asyncio
import json
import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection

from .api_key import read_key
from .audio import Audio
from .errors import ApiError
from .spool import MIB
from .transfer import AudioPayload, TooLongError, read_whole

LOG = logging.getLogger(__name__)

# As voicemode_whisper/core/pool.py tells HAProxy.
REQUESTS_SOCKET, RUNTIME_SOCKET = "requests.sock", "runtime.sock"
DEGRADED_SUFFIX = ":degraded"
WAITED_HEADER, MEMBER_HEADER = "x-pool-waited", "x-pool-member"
SERVED_HEADER, TRIED_HEADER = "x-pool-served", "x-pool-tried"
# The host's name that every member takes for its own.
ORIGIN = "http://localhost"
UNLIMITED = aiohttp.ClientTimeout(total=None, sock_connect=5.0)
SMALL = aiohttp.ClientTimeout(total=5.0)  # where nothing is computed for the answer
# Of an answer. For 30 s Whisper writes at most 224 tokens, with times and probabilities about 300
# bytes each: 2.2 kB a second, where Opus may have less than 1. Of four hours it is 32 MB.
ANSWER_BYTES, MOST_ANSWER_BYTES = MIB, 64 * MIB
ANSWER_SHARE = 8
# What the client gets of a member's answer, beside its body.
KEPT = (hdrs.CONTENT_TYPE, hdrs.RETRY_AFTER, "x-should-retry")
CODE_CHARACTERS = 40
REQUEST_ID = re.compile(r"req_[0-9a-f]{32}")


@dataclass(frozen=True)
class Form:
    """A form that was received whole: for which path, and its body of which type."""

    path: str
    body: Audio
    content_type: str


@dataclass(frozen=True)
class Answer:
    """A member's answer. headers: those of KEPT. request_id: the one in the member's log."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    member: str
    request_id: str = ""

    @property
    def code(self) -> str:
        """The code of the error that it is, "" if it is none, or not one of the API's."""
        if self.status < 400:
            return ""
        try:
            code = json.loads(self.body)["error"]["code"]
        except (ValueError, LookupError, TypeError, RecursionError):
            return ""
        fits = isinstance(code, str) and code.isidentifier() and len(code) <= CODE_CHARACTERS
        return code if fits else ""


class NoAnswerError(Exception):
    """There was no answer of a member's: HAProxy is away, no turn came up, or it was lost.

    member: who had it or was tried last, "" if that is not known. taken: whether a member had begun
    to receive the recording. sent: whether it had it whole, so that it may have computed.
    """

    def __init__(self, why: str, *, member: str = "", taken: bool = False, sent: bool = False):
        super().__init__(why)
        self.member = member
        self.taken = taken
        self.sent = sent


class _Request(aiohttp.ClientRequest):
    """Fails where its connection broke before its headers were sent.

    aiohttp 3.14 tells of that only for the body: with `Expect`, asyncio logs a task's traceback.
    """

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        try:
            await super().write_bytes(writer, conn, content_length)
        except aiohttp.ClientConnectionError as error:
            if conn.protocol:
                conn.protocol.set_exception(error)


class Pool:
    """HAProxy by its socket in `directory`.

    key_file: has the key that the members want, "" if they want none.
    """

    def __init__(self, directory: str, key_file: str = "") -> None:
        # Not kept alive, and not limited: see upstream.open_session.
        connector = aiohttp.UnixConnector(
            str(Path(directory, REQUESTS_SOCKET)), force_close=True, limit=0
        )
        self._session = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, request_class=_Request
        )
        self._key_file = key_file

    async def close(self) -> None:
        """Close what is open."""
        await self._session.close()

    async def transcribe(
        self,
        form: Form,
        *,
        taken: Callable[[], object],
        waited: float = 0.0,
        server: str = "",
        until: float = math.inf,
    ) -> Answer:
        """Send a form, and return a member's answer to it: whole, so that it may be passed on.

        taken: called when a member has begun to receive it. waited: for how many seconds it has
        waited before, so that it keeps its place in the queue. server: HAProxy's name of who is to
        have it; "" leaves that to HAProxy. until: when it need not be taken any more, on the
        monotonic clock.

        Raises NoAnswerError, and ApiError 502 if the answer is too long. Cancelling this call ends
        the member's inference too.
        """
        headers = self._headers() | {WAITED_HEADER: str(round(waited * 1000))}
        if server:
            headers[MEMBER_HEADER] = server
        attempt = _Attempt()
        with attempt.failures():
            async with asyncio.timeout_at(until) as turn:
                attempt.body = body = AudioPayload(
                    form.body, form.content_type, begun=lambda: attempt.begin(turn, taken)
                )
                async with self._session.post(
                    ORIGIN + form.path, data=body, headers=headers, timeout=UNLIMITED,
                    expect100=True, allow_redirects=False,
                ) as response:  # fmt: skip
                    return await attempt.answer(response, form.body.size)

    async def get(self, path: str) -> Answer:
        """Return a member's answer to a small request, or raise NoAnswerError."""
        attempt = _Attempt()
        with attempt.failures():
            async with self._session.get(
                ORIGIN + path, headers=self._headers(), timeout=SMALL, allow_redirects=False
            ) as response:
                return await attempt.answer(response, 0)

    def _headers(self) -> dict[str, str]:
        if not self._key_file:
            return {}
        try:
            return {hdrs.AUTHORIZATION: f"Bearer {read_key(Path(self._key_file))}"}
        except ValueError as allowed:
            LOG.error("no member is asked: %s must be %s", self._key_file, allowed)
            message = "The server's key for its pool cannot be read; its log says more."
            raise ApiError(503, message, code="api_key_unavailable") from None


class _Attempt:
    """What is known of one attempt, to tell what it means that it failed."""

    def __init__(self) -> None:
        self.body: AudioPayload | None = None
        self._taken = False
        self._member = ""

    def begin(self, turn: asyncio.Timeout, taken: Callable[[], object]) -> None:
        """Note that a member takes it, so that it may last from now on."""
        if not turn.expired():
            turn.reschedule(None)
        self._taken = True
        taken()

    async def answer(self, response: aiohttp.ClientResponse, size: int) -> Answer:
        """Return a member's answer to a form of `size` bytes; raise NoAnswerError at another."""
        headers = response.headers
        self._member = _name(headers.get(TRIED_HEADER, ""))
        if SERVED_HEADER not in headers:
            raise self._no_answer(f"HAProxy answered {response.status}")
        body = await self._whole(response, size)
        kept = {name: headers[name] for name in KEPT if name in headers}
        request_id = headers.get("x-request-id", "")
        is_ours = REQUEST_ID.fullmatch(request_id)
        return Answer(response.status, kept, body, self._member, request_id if is_ours else "")

    async def _whole(self, response: aiohttp.ClientResponse, size: int) -> bytes:
        limit = min(ANSWER_BYTES + ANSWER_SHARE * size, MOST_ANSWER_BYTES)
        try:
            return await read_whole(response, limit)
        except TooLongError:
            LOG.error("the answer of %s is longer than %d bytes", self._member, limit)
            message = "A member of the pool answered too much."
            raise ApiError(502, message, code="upstream_error") from None

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Raise NoAnswerError for what HTTP and its connections fail with."""
        try:
            yield
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._no_answer(str(error) or type(error).__name__) from error

    def _no_answer(self, why: str) -> NoAnswerError:
        sent = self.body is not None and self.body.sent
        return NoAnswerError(why, member=self._member, taken=self._taken, sent=sent)


def _name(server: str) -> str:
    """Return the member that HAProxy has as this server."""
    return server.removesuffix(DEGRADED_SUFFIX)
