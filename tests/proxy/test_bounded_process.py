"""Real programs in the place of ffmpeg, to take too much."""

import asyncio
import os
import signal
import tempfile
from pathlib import Path

import pytest
from whisper_proxy import bounded_process
from whisper_proxy.bounded_process import Finished, MissingError, run

SPIN = "while :; do :; done"


async def shell(line: str, file_bytes: int = 0) -> Finished:
    with open("/dev/null", "rb") as nothing:
        return await run(["sh", "-c", line], nothing.fileno(), file_bytes=file_bytes)


async def test_what_is_printed_is_returned() -> None:
    finished = await shell("echo one; echo other >&2; exit 3")
    assert (finished.status, finished.output, finished.errors) == (3, "one\n", "other\n")


async def test_only_the_end_of_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_process, "TAIL_BYTES", 5)
    assert (await shell("seq 200000 >&2")).errors == "0000\n"


async def test_it_runs_within_limits() -> None:
    finished = await shell("ulimit -d; ulimit -t; ulimit -n; ulimit -c; ulimit -f", 1024 * 1024)
    assert finished.output.split()[:4] == [str(320 * 1024), "120", "64", "0"]
    assert finished.output.split()[4] in ("1024", "2048")  # bash counts KiB, dash 512 bytes


async def test_a_program_that_takes_much_memory_gets_none() -> None:
    line = "exec python3 -c 'bytearray(400 << 20)'"
    assert "MemoryError" in (await shell(line)).errors


async def test_a_program_that_takes_much_processor_time_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded_process, "CPU_SECONDS", 1)
    assert (await shell(SPIN)).status == -signal.SIGKILL


async def test_a_program_that_writes_much_is_killed() -> None:
    with tempfile.TemporaryFile() as output, open("/dev/zero", "rb") as zeros:
        finished = await run(["cat"], zeros.fileno(), output, file_bytes=100_000)
        assert finished.status == -signal.SIGXFSZ
        assert output.seek(0, os.SEEK_END) == 100_000


async def test_a_program_that_takes_long_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_process, "LONG_SECONDS", 0.5)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    finished = await shell("nice; sleep 1; nice")
    assert [int(line) for line in finished.output.split()] == [max(own, 10), 19]


async def test_a_program_that_is_not_there_is_missing() -> None:
    with pytest.raises(MissingError, match="no-such-program"), open("/dev/null", "rb") as nothing:
        await run(["no-such-program"], nothing.fileno())


def children() -> set[str]:
    """The ids of this process's children, zombies included."""
    lists = Path("/proc/self/task").glob("*/children")
    return {pid for found in lists for pid in found.read_text().split()}


async def test_cancelling_ends_it_however_much_it_prints() -> None:
    before = children()
    task = asyncio.create_task(shell("yes; yes >&2"))
    await asyncio.sleep(0.5)
    assert children() > before
    task.cancel()
    await asyncio.wait([task], timeout=10)
    assert task.cancelled()
    assert children() <= before
