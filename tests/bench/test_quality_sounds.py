import numpy as np
import pytest

from bench.quality.sounds import LOUDEST, QUIETER, RATE, SECONDS, SOUNDS, made


def samples(name: str, gain: float = 1.0) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.frombuffer(made(name, gain), "<i2") / 32767


def loudest_hertz(name: str) -> float:
    spectrum = np.abs(np.fft.rfft(samples(name)))
    return float(np.fft.rfftfreq(int(RATE * SECONDS), 1 / RATE)[spectrum.argmax()])


def test_there_are_twenty():
    assert len(SOUNDS) == 20


@pytest.mark.parametrize("name", SOUNDS)
def test_each_is_ten_seconds_and_the_same_each_time(name: str):
    assert len(samples(name)) == RATE * SECONDS
    assert made(name) == made(name)


def test_no_two_are_the_same():
    assert len({made(name) for name in SOUNDS}) == len(SOUNDS)


@pytest.mark.parametrize("name", sorted({*SOUNDS} - {"silence", "dither", "offset", "clipping"}))
def test_each_is_as_loud_as_speech_may_be(name: str):
    assert np.abs(samples(name)).max() == pytest.approx(LOUDEST, abs=0.01)


def test_those_at_the_limits():
    assert not samples("silence").any()
    assert np.abs(samples("dither")).max() * 32767 == pytest.approx(1)
    assert samples("offset").mean() == pytest.approx(0.4, abs=0.01)
    assert (np.abs(samples("clipping")) == 1).mean() > 0.5


def test_the_quieter_ones_are_so_by_thirty_decibels():
    ratio = samples("rain", QUIETER).std() / samples("rain").std()
    assert 20 * np.log10(ratio) == pytest.approx(-30, abs=0.1)


def test_tones_have_their_frequencies():
    assert loudest_hertz("tone") == pytest.approx(440, abs=0.1)
    assert loudest_hertz("hum, 50 Hz") == pytest.approx(50, abs=0.1)
    assert loudest_hertz("hum, 60 Hz") == pytest.approx(60, abs=0.1)


def test_noise_has_its_colour():
    """From an octave to the one above, pink noise keeps its power, white has twice, brown half."""
    for name, factor in (("white noise", 2.0), ("pink noise", 1.0), ("brown noise", 0.5)):
        power = np.abs(np.fft.rfft(samples(name))) ** 2
        hertz = np.fft.rfftfreq(int(RATE * SECONDS), 1 / RATE)
        low, high = (power[(hertz >= low) & (hertz < 2 * low)].sum() for low in (1000.0, 2000.0))
        assert high / low == pytest.approx(factor, rel=0.05)
