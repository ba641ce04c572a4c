"""A fake whisper-server.

The real one's errors (an exception, a failed inference, a hang, a crash) cannot be triggered on
demand, so this one reproduces those of whisper.cpp v1.7.5 and v1.9.1 exactly. tests/machines tests
real speech with the real server.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

# A word is split between the segments: joining them must not add anything.
SEGMENTS = [" Ask not what your coun", "try can do for you."]
TEXT = "Ask not what your country can do for you."
NOT_FOUND = (404, "text/plain", "File Not Found (/inference)")
INVALID = (400, "text/plain", "Invalid request")
STOF = (500, "text/plain", "500 Internal Server Error\nstof")
FAILED = (500, "application/json", '{"error":"failed to process audio"}')
FFMPEG_FAILED = (500, "application/json", '{"error":"FFmpeg conversion failed."}')
# v1.7 forgets to set the status.
UNREADABLE_1_7 = (200, "application/json", '{"error":"failed to read WAV file"}')
FFMPEG_FAILED_1_7 = (200, "application/json", '{"error":"FFmpeg conversion failed."}')
ODD_ERROR_1_7 = (
    200,
    "application/json",
    '{"error":"Failed to remove the original file."}',
)


def verbose_json(texts: list[str]) -> dict[str, Any]:
    """Return the answer of v1.9.1; a segment without words has neither tokens nor words."""
    segments = [
        {"id": number, "text": text, "start": 0.0, "end": 1.0, "temperature": 0.0}
        for number, text in enumerate(texts)
    ]
    return {
        "task": "transcribe",
        "language": "english",
        "duration": 11.0,
        "text": "".join(f"{text}\n" for text in texts),
        "segments": segments,
    }


def address(server: TestServer) -> str:
    """Where one listens, as WHISPER_PROXY_UPSTREAM wants it."""
    return str(server.make_url("/")).rstrip("/")


@dataclass
class FakeWhisper:
    """Answers as configured, and records what it was sent."""

    path: str = ""  # all but /health is below it
    texts: list[str] = field(default_factory=lambda: list(SEGMENTS))
    answer: dict[str, Any] | None = None
    error: tuple[int, str, str] | None = None
    has_vad: bool = True
    seconds: float = 0.0
    crashes: int = 0  # the next inferences that end in a crash
    running: int = 0
    max_running: int = 0
    health_status: int = 200
    health_seconds: float = 0.0
    fields: dict[str, str] = field(default_factory=dict)
    audio: bytes = b""
    filename: str = ""
    content_length: int | None = None
    paths: list[str] = field(default_factory=list)
    started: asyncio.Event = field(default_factory=asyncio.Event)
    aborted: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> web.Application:
        """Return the application to serve."""
        app = web.Application(client_max_size=64 * 1024**2, middlewares=[self._record_path])
        for path in ("", "/{path}"):
            app.router.add_post(f"{path}/inference", self._inference)
            app.router.add_get(f"{path}/health", self._health)
        return app

    @web.middleware
    async def _record_path(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.paths.append(request.path)
        if request.path != "/health" and request.path.rpartition("/")[0] != self.path:
            raise web.HTTPNotFound
        return await handler(request)

    async def _health(self, _: web.Request) -> web.Response:
        await asyncio.sleep(self.health_seconds)
        return web.json_response({"status": "ok"}, status=self.health_status)

    async def _inference(self, request: web.Request) -> web.StreamResponse:
        await self._read(request)
        self.started.set()
        with self._counted():
            try:
                await asyncio.sleep(self.seconds)
            except asyncio.CancelledError:
                self.aborted.set()
                raise
        if self.crashes:
            self.crashes -= 1
            assert request.transport
            request.transport.abort()
        return self._answer()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.running += 1
        self.max_running = max(self.max_running, self.running)
        try:
            yield
        finally:
            self.running -= 1

    async def _read(self, request: web.Request) -> None:
        self.fields = {}
        self.content_length = request.content_length
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                with value.file as file:
                    self.audio, self.filename = file.read(), value.filename
            elif isinstance(value, str):
                self.fields[name] = value

    def _answer(self) -> web.Response:
        if self.error:
            status, content_type, text = self.error
            return web.Response(status=status, text=text, content_type=content_type)
        if "vad" in self.fields and not self.has_vad:
            return web.json_response({"error": "failed to process audio"}, status=500)
        return web.json_response(self.answer or verbose_json(self.texts))
