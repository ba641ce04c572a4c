"""The real VAD model: what of real speech it finds, in noise too, and what it takes for speech."""

from pathlib import Path

import numpy as np
import pytest
from whisper_proxy import voice
from whisper_proxy.turns import FRAME_BYTES, TurnDetection, Turns
from whisper_proxy.voice import Voice

from .live import Samples, pcm, power, samples, silence, speech

RNG = np.random.default_rng(1)
RATE = 16000
# When President Kennedy speaks, in seconds: the four phrases.
PHRASES = [(0.4, 2.2), (3.3, 4.4), (5.4, 7.6), (8.2, 10.9)]


def found(sound: Samples, detection: TurnDetection) -> list[tuple[float, float]]:
    """Return when turns begin and end, in seconds."""
    heard, turns, data = Voice(), Turns(detection), pcm(sound)
    times = [
        (at + FRAME_BYTES) / 2 / RATE
        for at in range(0, len(data) - FRAME_BYTES + 1, FRAME_BYTES)
        if turns.next(heard.probability(data[at : at + FRAME_BYTES]))
    ]
    return list(zip(times[::2], times[1::2], strict=False))


def noise(size: int, slope: float) -> Samples:
    """Return noise whose power falls with the frequency: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(RNG.standard_normal(size))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** (slope / 2)
    made = np.fft.irfft(spectrum, size)
    return made / power(made)


def said(turns: list[tuple[float, float]]) -> float:
    """Return how much of the phrases is in turns, with the padding before each."""
    padding = TurnDetection().prefix_padding_ms / 1000 + 0.064
    times = np.arange(0, 11, 0.01)
    spoken = np.any([(times >= start) & (times <= end) for start, end in PHRASES], axis=0)
    inside = np.any([(times >= a - padding) & (times <= b) for a, b in turns], axis=0)
    return float((spoken & inside).sum() / spoken.sum())


@pytest.fixture(scope="module")
def spoken() -> Samples:
    return samples(speech(RATE) + silence(1, RATE))


@pytest.mark.parametrize("decibels", [0, -20, -30])
def test_speech_however_quiet_is_found(spoken: Samples, decibels: float) -> None:
    turns = found(spoken * 10 ** (decibels / 20), TurnDetection())
    assert said(turns) > 0.99
    assert len(turns) in (3, 4)


@pytest.mark.parametrize("slope", [0, 1], ids=["white", "pink"])
@pytest.mark.parametrize("ratio", [20, 10, 5, 0])
def test_speech_in_noise_is_found(spoken: Samples, slope: float, ratio: float) -> None:
    level = power(spoken) / 10 ** (ratio / 20)
    turns = found(spoken + level * noise(len(spoken), slope), TurnDetection())
    assert said(turns) > 0.98
    assert len(turns) >= 2


@pytest.mark.parametrize("slope", [0, 1, 2], ids=["white", "pink", "brown"])
@pytest.mark.parametrize("level", [30, 300, 3000])
def test_noise_is_no_speech(slope: float, level: float) -> None:
    assert found(level * noise(20 * RATE, slope), TurnDetection()) == []


def test_nor_are_hum_and_clicks() -> None:
    at = np.arange(20 * RATE) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * n * at) / n for n in range(1, 12))
    clicks = np.zeros(20 * RATE)
    clicks[RNG.integers(0, len(clicks), 40)] = 20000
    assert found(1500 * np.asarray(hum), TurnDetection()) == []
    assert found(clicks, TurnDetection()) == []


@pytest.mark.parametrize("missing", ["", "avx2", "fma", "f16c"])
def test_a_processor_that_cannot_is_not_asked(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {"sse2", "avx", "avx2", "fma", "f16c"} - {missing}
    (tmp_path / "cpuinfo").write_text(f"model name\t: x\nflags\t\t: {' '.join(flags)}\n")
    monkeypatch.setattr(voice, "CPU_INFO", tmp_path / "cpuinfo")
    voice.can_detect.cache_clear()
    try:
        assert voice.can_detect() == (not missing)
    finally:
        voice.can_detect.cache_clear()
