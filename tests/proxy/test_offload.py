import asyncio
import json
import threading

import pytest
from whisper_proxy import upstream
from whisper_proxy.offload import offload

from .fake_whisper import FakeWhisper, verbose_json
from .samples import Client, form

HOURS_4 = 4 * 3600


@pytest.mark.parametrize("large", [False, True])
async def test_what_is_large_runs_in_a_thread(large: bool) -> None:
    def add(one: int, other: int) -> tuple[int, bool]:
        return one + other, threading.current_thread() is not threading.main_thread()

    assert await offload(large, add, 1, other=2) == (3, large)


async def test_its_errors_are_the_callers() -> None:
    with pytest.raises(ZeroDivisionError):
        await offload(True, divmod, 1, 0)


def four_hours() -> dict[str, object]:
    """Return the answer to a recording of 4 hours, 13 tokens in each 3.6 seconds."""
    answer = verbose_json([" a word" * 6] * (HOURS_4 * 10 // 36))
    for number, segment in enumerate(answer["segments"]):
        times = [3.6 * number + 0.25 * token for token in range(13)]
        segment["words"] = [{"word": " word", "start": at, "end": at + 0.2} for at in times]
    return answer | {"duration": float(HOURS_4)}


@pytest.mark.alone
async def test_the_loop_turns_while_the_words_of_four_hours_are_rendered(
    client: Client, whisper: FakeWhisper, monkeypatch: pytest.MonkeyPatch
) -> None:
    whisper.answer = four_hours()
    # The recording is a short one, so that nothing else takes time.
    monkeypatch.setattr(upstream, "ANSWER_BYTES", 64 * 1024 * 1024)
    fields = {"response_format": "verbose_json", "timestamp_granularities[]": "word"}
    gaps: list[float] = []

    async def turn() -> None:
        clock = asyncio.get_running_loop().time
        while True:
            started = clock()
            await asyncio.sleep(0.001)
            gaps.append(clock() - started)

    turning = asyncio.create_task(turn())
    async with client.post("/v1/audio/transcriptions", data=form(**fields)) as response:
        body = await response.read()
    turning.cancel()
    words = json.loads(body)["words"]
    print(f"{len(words)} words, longest gap {max(gaps) * 1000:.0f} ms", end=" ")
    assert len(words) == 13 * HOURS_4 * 10 // 36
    assert max(gaps) < 1.0
