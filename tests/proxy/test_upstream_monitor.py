import asyncio
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from whisper_proxy import upstream_monitor as module
from whisper_proxy.gpu import Gpu
from whisper_proxy.inference_cost import InferenceCost
from whisper_proxy.upstream import State, Upstream, open_session
from whisper_proxy.upstream_monitor import UpstreamMonitor

from . import fake_whisper as fake
from .fake_kernel import MODEL, FakeKernel
from .fake_whisper import FakeWhisper


def test_since_when_it_is_unreachable() -> None:
    monitor = UpstreamMonitor(Upstream("http://127.0.0.1:1", None))  # type: ignore[arg-type]
    assert (monitor.state, monitor.unreachable_since) == ("unreachable", None)
    monitor.record("unreachable")
    first = monitor.unreachable_since
    assert first
    monitor.record("unreachable")
    assert monitor.unreachable_since == first
    monitor.record("busy")  # which may be the kernel alone
    assert monitor.unreachable_since == first
    monitor.record("ready")
    assert (monitor.state, monitor.unreachable_since) == ("ready", None)
    monitor.record("busy")
    assert (monitor.state, monitor.unreachable_since) == ("busy", None)


def test_what_it_says_of_itself_does_not_count_while_it_hangs() -> None:
    monitor = UpstreamMonitor(Upstream("http://127.0.0.1:1", None))  # type: ignore[arg-type]
    monitor.record("ready")
    monitor.record_hung()
    monitor.record("ready")
    assert (monitor.state, monitor.healthy) == ("hung", False)
    monitor.record_answer()
    assert (monitor.state, monitor.healthy) == ("ready", True)


def test_one_that_hung_is_trusted_once_it_was_restarted() -> None:
    monitor = UpstreamMonitor(Upstream("http://127.0.0.1:1", None))  # type: ignore[arg-type]
    monitor.record_hung()
    monitor.record_death()
    assert (monitor.state, monitor.hung) == ("unreachable", True)
    monitor.record("ready")
    assert (monitor.state, monitor.hung) == ("ready", False)


def test_a_death_counts_from_now() -> None:
    monitor = UpstreamMonitor(Upstream("http://127.0.0.1:1", None))  # type: ignore[arg-type]
    monitor.record("unreachable")
    first = monitor.unreachable_since
    monitor.record_death()
    assert first
    assert monitor.unreachable_since
    assert monitor.unreachable_since > first


async def test_it_polls(
    whisper: FakeWhisper, whisper_server: TestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.01)
    async with open_session() as session:
        monitor = UpstreamMonitor(Upstream(fake.address(whisper_server), session))
        monitoring = asyncio.create_task(monitor.run())
        while whisper.paths.count("/health") < 3:
            await asyncio.sleep(0.01)
        assert monitor.state == "ready"
        await whisper_server.close()
        while monitor.state != "unreachable":
            await asyncio.sleep(0.01)
        monitoring.cancel()


def test_in_use_is_cleared_when_it_is_failing_or_unreachable() -> None:
    monitor = UpstreamMonitor(Upstream("http://127.0.0.1:1", None))  # type: ignore[arg-type]
    for state in ("failing", "unreachable"):
        monitor.record("ready")
        monitor.in_use = "gpu"
        monitor.record("busy")
        assert monitor.in_use == "gpu"
        monitor.record(state)
        assert monitor.in_use is None


@pytest.mark.parametrize(("memory", "trusted"), [(MODEL, True), (0, False)])
async def test_after_a_restart_only_the_gpu_is_as_fast_as_before(
    tmp_path: Path, whisper_server: TestServer, memory: int, trusted: bool
) -> None:
    kernel = FakeKernel(tmp_path)
    kernel.runs("10")
    kernel.uses_gpu("10", memory)
    gpu = Gpu(kernel.kfd, MODEL // 2, kernel.proc, kernel.cgroups)
    cost = InferenceCost()
    cost.record(5, 0.2)
    async with open_session() as session:
        monitor = UpstreamMonitor(Upstream(fake.address(whisper_server), session), gpu, cost)
        monitor.record("unreachable")
        assert not cost.trusted
        await monitor.check()
    assert cost.trusted == trusted


class Restarting(Upstream):
    """A whisper-server that answers, and is then restarted."""

    def __init__(self, kernel: FakeKernel) -> None:
        self._kernel = kernel

    async def state(self) -> State:
        self._kernel.ends("10")
        self._kernel.runs("11")
        return "ready"


async def test_a_server_that_restarts_during_the_check_is_not_judged(tmp_path: Path) -> None:
    kernel = FakeKernel(tmp_path)
    kernel.runs("10")
    kernel.uses_gpu("10", MODEL)
    gpu = Gpu(kernel.kfd, MODEL // 2, kernel.proc, kernel.cgroups)
    monitor = UpstreamMonitor(Restarting(kernel), gpu)
    await monitor.check()
    assert (monitor.state, monitor.in_use) == ("ready", None)
