import asyncio

import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy import watch as module
from whisper_proxy.upstream import Upstream, open_session
from whisper_proxy.watch import Watch

from .fake_whisper import FakeWhisper


def test_since_when_it_is_away() -> None:
    watch = Watch(Upstream("http://127.0.0.1:1", None))  # type: ignore[arg-type]
    assert (watch.state, watch.away_since) == ("unreachable", None)
    watch.saw("unreachable")
    first = watch.away_since
    assert first
    watch.saw("unreachable")
    assert watch.away_since == first
    watch.saw("busy")
    assert (watch.state, watch.away_since) == ("busy", None)


async def test_it_looks_again_and_again(
    whisper: FakeWhisper, whisper_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    async with open_session() as session:
        watch = Watch(Upstream(str(whisper_server.make_url("/")).rstrip("/"), session))
        watching = asyncio.create_task(watch.run())
        while whisper.paths.count("/health") < 3:
            await asyncio.sleep(0.01)
        assert watch.state == "ready"
        await whisper_server.close()
        while watch.state != "unreachable":
            await asyncio.sleep(0.01)
        watching.cancel()
