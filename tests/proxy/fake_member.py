"""A fake member of a pool, in the place of its whisper-proxy.

The real one's refusals, losses and long inferences cannot be triggered on demand.
test_pool_faults.py has real ones.
"""

import asyncio
import json
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class FakeMember:
    """Answers as configured, and records what it was sent."""

    name: str
    health: str = "ok"
    health_status: int = 200
    status: int = 200
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    content_type: str = "application/json"
    seconds: float = 0.0
    cut_off: bool = False  # in mid-answer
    dies: bool = False  # before it answers
    poison: bytes = b""  # of a recording with which its machine goes down, and stays away
    key: str = ""
    got: list[bytes] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self) -> TestServer:
        """Return a server that is started."""
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_get("/health", self._health)
        app.router.add_get("/v1/models{rest:.*}", self._models)
        app.router.add_post("/v1/audio/{what}", self._audio)
        server = TestServer(app)
        await server.start_server()
        return server

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": self.health}, status=self.health_status)

    async def _models(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        return web.json_response({"path": request.raw_path}, status=self.status)

    async def _audio(self, request: web.Request) -> web.StreamResponse:
        if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
            return self._error(401, "invalid_api_key")
        self.requests.append(request)
        self.got.append(await request.read())
        self.began.set()
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        assert request.transport
        if self.poison and self.poison in self.got[-1]:
            self.health_status = 503
            request.transport.abort()
        if self.dies:
            request.transport.abort()
        if self.cut_off:
            await self._half(request)
            request.transport.abort()
        return self._answer()

    async def _half(self, request: web.Request) -> None:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b'{"text": "Ask not')

    def _answer(self) -> web.Response:
        if self.code:
            return self._error(self.status, self.code)
        text = self.text or json.dumps({"text": self.name})
        return web.Response(
            text=text, status=self.status, headers=self.headers, content_type=self.content_type
        )

    def _error(self, status: int, code: str) -> web.Response:
        body = {"error": {"message": "", "type": "", "param": None, "code": code}}
        return web.json_response(body, status=status, headers=self.headers)
