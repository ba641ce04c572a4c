"""Twenty kinds of sound in which nobody speaks, made by arithmetic: 16 kHz, mono.

Each is a function of the seconds (an array of the times of its samples) and of a random generator,
and gives samples of about -1 to 1 (full scale).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from whisper_proxy.audio import RATE

Samples = NDArray[np.float64]
Sound = Callable[[Samples, np.random.Generator], Samples]

SECONDS = 10.0
SEED = 1
LOUDEST = 0.5  # of full scale: -6 dB
# Beside each sound as it is, one that much quieter: with a gain made for quiet speech, as
# a microphone in a still room has it.
QUIETER = 10 ** (-30 / 20)

# Of DTMF: the two tones of a key, in Hz.
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477)
MARK, SPACE, BAUD = 1200, 2200, 1200  # of Bell 202, a modem
CHORDS = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))  # C, A minor, F, G


def silence(times: Samples, _: np.random.Generator) -> Samples:
    """Nothing at all."""
    return np.zeros_like(times)


def dither(times: Samples, random: np.random.Generator) -> Samples:
    """The last bit of 16, at random."""
    return random.integers(-1, 2, len(times)) / 32768


def coloured(slope: float) -> Sound:
    """Noise whose amplitude goes with the frequency to the power of `slope`: 0 is white."""

    def made(times: Samples, random: np.random.Generator) -> Samples:
        spectrum = np.fft.rfft(random.standard_normal(len(times)))
        frequencies = np.fft.rfftfreq(len(times), 1 / RATE)
        frequencies[0] = frequencies[1]
        return full(np.fft.irfft(spectrum * frequencies**slope, len(times)))

    return made


white, pink, brown = coloured(0), coloured(-0.5), coloured(-1)


def band(low: float, high: float) -> Sound:
    """White noise between two frequencies in Hz."""

    def made(times: Samples, random: np.random.Generator) -> Samples:
        spectrum = np.fft.rfft(random.standard_normal(len(times)))
        frequencies = np.fft.rfftfreq(len(times), 1 / RATE)
        spectrum[(frequencies < low) | (frequencies > high)] = 0
        return full(np.fft.irfft(spectrum, len(times)))

    return made


def hum(hertz: float) -> Sound:
    """Mains hum: the frequency of the mains, and what a transformer adds to it."""

    def made(times: Samples, _: np.random.Generator) -> Samples:
        parts = (np.sin(2 * np.pi * hertz * n * times) / n**1.5 for n in range(1, 9))
        return full(sum(parts, start=np.zeros_like(times)))

    return made


def tone(times: Samples, _: np.random.Generator) -> Samples:
    """Concert pitch, 440 Hz."""
    return LOUDEST * np.sin(2 * np.pi * 440 * times)


def chirp(times: Samples, _: np.random.Generator) -> Samples:
    """A tone that rises from 100 Hz to 4 kHz, every 2 s."""
    within = times % 2
    return LOUDEST * np.sin(2 * np.pi * (100 * within + (4000 - 100) / 4 * within**2))


def struck(at: Samples, times: Samples, ringing: Samples) -> Samples:
    """Return the same sound from each of these seconds on, as far as it goes."""
    hits = np.zeros_like(times)
    hits[(at * RATE).astype(int) % len(times)] = 1
    return full(np.convolve(hits, ringing)[: len(times)])


def decaying(seconds: float) -> Samples:
    """Return what fades to a thousandth in so many seconds."""
    return np.asarray(10 ** (-3 * np.arange(int(RATE * seconds)) / (RATE * seconds)))


def clicks(times: Samples, _: np.random.Generator) -> Samples:
    """A metronome: two clicks a second."""
    fading = decaying(0.02)
    ringing = fading * np.sin(2 * np.pi * 2000 * np.arange(len(fading)) / RATE)
    return struck(np.arange(0, SECONDS, 0.5), times, ringing)


def typing(times: Samples, random: np.random.Generator) -> Samples:
    """A keyboard: dull taps, some six a second, at uneven intervals."""
    fading = decaying(0.06)
    ringing = fading * random.standard_normal(len(fading))
    return struck(np.cumsum(random.gamma(3, 0.055, 55)), times, ringing)


def rain(times: Samples, random: np.random.Generator) -> Samples:
    """Rain on a window: a rush, and many drops."""
    drops = struck(random.uniform(0, SECONDS, 2000), times, decaying(0.004))
    return full(drops + 0.3 * band(1000, 7000)(times, random))


def wind(times: Samples, random: np.random.Generator) -> Samples:
    """Wind: a deep rush that swells and falls."""
    gusts = 1 + 0.8 * np.sin(2 * np.pi * 0.23 * times) * np.sin(2 * np.pi * 0.11 * times + 1)
    return full(gusts * band(20, 500)(times, random))


def fan(times: Samples, random: np.random.Generator) -> Samples:
    """A computer's fan: air, and seven blades at 1500 turns a minute."""
    blades = sum(np.sin(2 * np.pi * 175 * n * times) / n for n in range(1, 5))
    return full(pink(times, random) + 0.1 * blades)


def chords(times: Samples, _: np.random.Generator) -> Samples:
    """Music: four chords of a piano-like sound, one a second."""
    played = np.zeros_like(times)
    for second in range(int(SECONDS)):
        fading = decaying(1.5)
        at = np.arange(len(fading)) / RATE
        for hertz in CHORDS[second % len(CHORDS)]:
            notes = (np.sin(2 * np.pi * hertz * n * at) / n**2 for n in range(1, 6))
            ringing = fading * sum(notes, start=np.zeros_like(at))
            room = played[second * RATE :]
            room[: len(ringing)] += ringing[: len(room)]
    return full(played)


def dialling(times: Samples, random: np.random.Generator) -> Samples:
    """A telephone's keys: five a second, half of the time silent."""
    key = (times / 0.2).astype(int)
    row = random.choice(ROWS, key[-1] + 1)[key]
    column = random.choice(COLUMNS, key[-1] + 1)[key]
    tones = np.sin(2 * np.pi * row * times) + np.sin(2 * np.pi * column * times)
    return np.where(times % 0.2 < 0.1, LOUDEST / 2 * tones, 0)


def modem(times: Samples, random: np.random.Generator) -> Samples:
    """A modem: random bits as two tones."""
    bit = (times * BAUD).astype(int)
    hertz = random.choice((MARK, SPACE), bit[-1] + 1)[bit]
    return LOUDEST * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)


def heartbeat(times: Samples, _: np.random.Generator) -> Samples:
    """A heart through a stethoscope: two thumps, 70 times a minute."""
    fading = decaying(0.12)
    ringing = fading * np.sin(2 * np.pi * 50 * np.arange(len(fading)) / RATE)
    first = np.arange(0.1, SECONDS - 0.5, 60 / 70)
    return struck(np.concatenate([first, first + 0.3]), times, ringing)


def clipping(times: Samples, random: np.random.Generator) -> Samples:
    """Noise that is far too loud for what records it."""
    return np.clip(20 * white(times, random), -1, 1)


def offset(times: Samples, random: np.random.Generator) -> Samples:
    """A microphone's input with a constant voltage on it."""
    return 0.4 + 0.01 * pink(times, random)


def full(samples: Samples) -> Samples:
    """Return the same as loud as LOUDEST."""
    return np.asarray(LOUDEST * samples / np.abs(samples).max())


SOUNDS: dict[str, Sound] = {
    "silence": silence,
    "dither": dither,
    "white noise": white,
    "pink noise": pink,
    "brown noise": brown,
    "hum, 50 Hz": hum(50),
    "hum, 60 Hz": hum(60),
    "tone": tone,
    "chirps": chirp,
    "clicks": clicks,
    "typing": typing,
    "rain": rain,
    "wind": wind,
    "fan": fan,
    "chords": chords,
    "dialling": dialling,
    "modem": modem,
    "heartbeat": heartbeat,
    "clipping": clipping,
    "offset": offset,
}


def made(name: str, gain: float = 1.0) -> bytes:
    """Return the PCM (16 bits) of a sound of SOUNDS, the same each time."""
    times = np.arange(int(RATE * SECONDS)) / RATE
    samples = gain * SOUNDS[name](times, np.random.default_rng(SEED))
    return np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
