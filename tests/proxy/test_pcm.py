"""Sound of any form to 16 kHz: against ffmpeg, and against what may not be in it."""

import subprocess

import numpy as np
import pytest
from whisper_proxy.pcm import A_LAW, MU_LAW, PCM, Format, Intake, Resampler

from .live import pcm, samples, silence, speech

ALL_CODES = bytes(range(256))


def tone(hertz: float, rate: int, amplitude: float = 10000) -> list[int]:
    at = np.arange(rate) / rate
    return [round(one) for one in (amplitude * np.sin(2 * np.pi * hertz * at)).tolist()]


def gain(hertz: float, rate: int) -> float:
    """Return what becomes of a tone, in decibels."""
    found = np.array(Resampler(rate).feed(tone(hertz, rate)), float)[4000:12000]
    return float(20 * np.log10(np.sqrt((found**2).mean()) / (10000 / np.sqrt(2)) + 1e-9))


@pytest.mark.parametrize(
    ("given", "size"),
    [(Format(), 48000), (Format(PCM, 16000), 32000), (Format(MU_LAW, 8000), 8000)],
)
def test_how_many_bytes_a_second_has(given: Format, size: int) -> None:
    assert given.bytes_a_second == size


@pytest.mark.parametrize(("kind", "name"), [(MU_LAW, "mulaw"), (A_LAW, "alaw")])
def test_g711_is_what_ffmpeg_takes_it_for(kind: str, name: str) -> None:
    command = ["ffmpeg", "-v", "error", "-f", name, "-ar", "16000", "-i", "-", "-f", "s16le", "-"]
    expected = subprocess.run(command, input=ALL_CODES, check=True, capture_output=True).stdout
    assert Intake(Format(kind, 16000)).feed(ALL_CODES) == expected


@pytest.mark.parametrize("hertz", [50, 1000, 3000, 6000, 6600])
def test_what_whisper_hears_passes(hertz: float) -> None:
    assert abs(gain(hertz, 24000)) < 0.1


@pytest.mark.parametrize("hertz", [8000, 8500, 9000, 10000, 11000, 11990])
def test_what_would_alias_is_stopped(hertz: float) -> None:
    assert gain(hertz, 24000) < -60


@pytest.mark.parametrize("hertz", [50, 1000, 3000, 3300])
def test_telephone_sound_passes_without_its_image(hertz: float) -> None:
    assert abs(gain(hertz, 8000)) < 0.1
    found = np.array(Resampler(8000).feed(tone(hertz, 8000)), float)[4000:12000]
    spectrum = np.abs(np.fft.rfft(found * np.hanning(len(found))))
    image = round((8000 - hertz) * len(found) / 16000)
    assert 20 * np.log10(spectrum[image - 3 : image + 4].max() / spectrum.max()) < -60


@pytest.mark.parametrize("rate", [8000, 24000])
@pytest.mark.parametrize("piece", [1, 2, 7, 480, 4800])
def test_pieces_make_the_same_as_the_whole(rate: int, piece: int) -> None:
    data = speech(rate)[: 2 * rate]
    whole = Intake(Format(PCM, rate)).feed(data)
    intake = Intake(Format(PCM, rate))
    parts = [intake.feed(data[at : at + piece]) for at in range(0, len(data), piece)]
    assert b"".join(parts) == whole
    assert len(whole) == 2 * 16000


def test_16_khz_is_left_as_it_is() -> None:
    data = speech(16000)
    assert Intake(Format(PCM, 16000)).feed(data) == data


def test_it_does_not_overflow() -> None:
    loud = np.where(np.arange(24000) % 12 < 6, 32767, -32768).astype(float)
    found = samples(Intake(Format(PCM, 24000)).feed(pcm(loud)))
    assert found.max() == 32767
    assert found.min() == -32768


def test_silence_stays_silence() -> None:
    assert set(Intake(Format(PCM, 24000)).feed(silence(1))) == {0}


def test_speech_is_what_ffmpeg_makes_of_it() -> None:
    found = samples(Intake(Format(PCM, 24000)).feed(speech(24000)))
    expected = samples(speech(16000))
    size = min(len(found), len(expected))
    delays = {at: np.corrcoef(found[at:size], expected[: size - at])[0, 1] for at in range(30)}
    assert max(delays.values()) > 0.99  # the filter's delay is no whole number of samples
