import asyncio
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy import watch as module
from whisper_proxy.gpu import Gpu
from whisper_proxy.upstream import State, Upstream, open_session
from whisper_proxy.watch import Watch

from .fake_kernel import MODEL, FakeKernel
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


def test_what_it_runs_on_is_forgotten_when_it_is_ill_or_away() -> None:
    watch = Watch(Upstream("http://127.0.0.1:1", None))  # type: ignore[arg-type]
    for state in ("failing", "unreachable"):
        watch.saw("ready")
        watch.in_use = "gpu"
        watch.saw("busy")
        assert watch.in_use == "gpu"
        watch.saw(state)
        assert watch.in_use is None


class Restarting(Upstream):
    """A whisper-server that answers, and is then restarted."""

    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel

    async def state(self) -> State:
        self._kernel.ends("10")
        self._kernel.runs("11")
        return "ready"


async def test_who_answers_is_who_is_looked_at(tmp_path: Path) -> None:
    kernel = FakeKernel(tmp_path)
    kernel.runs("10")
    kernel.uses_gpu("10", MODEL)
    gpu = Gpu(kernel.kfd, MODEL // 2, kernel.proc, kernel.cgroups)
    watch = Watch(Restarting(kernel), gpu)
    await watch.look()
    assert (watch.state, watch.in_use) == ("ready", None)
