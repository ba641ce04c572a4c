"""What is asked of a model's servers, and all that they answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whisper_proxy.audio import wav_bytes
from whisper_proxy.words import Word

from tests.boxes import Box
from tests.proxy.formats import FORMATS, written

from ..command import say
from .servers import Heard, Servers, decoded
from .sounds import QUIETER, SOUNDS, made
from .speech import Recording

# What is sent in every format: a recording of each of the three speakers.
IN_EVERY_FORMAT = ("jfk", "austen-0870", "tt-allbusy")
# What ffmpeg is to decode with, where its own choice is broken (see the proxy's ffmpeg.py).
DECODERS = {"Speex": "-c:a libspeex"}


@dataclass(frozen=True)
class Speech:
    """A recording, and what was heard in it; words: the proxy's, with their times."""

    recording: Recording
    straight: Heard
    without_vad: Heard
    proxied: Heard
    words: Sequence[Word]


@dataclass(frozen=True)
class Encoded:
    """What was heard in a recording in one of FORMATS.

    straight: in what the box's own ffmpeg decodes it to; lossless: that is the recording itself.
    """

    format: str
    recording: Recording
    lossless: bool
    straight: str
    proxied: str


@dataclass(frozen=True)
class Noise:
    """What was heard in a sound in which nobody speaks; quieter: than it is made."""

    sound: str
    quieter: bool
    without_vad: str
    proxied: str


@dataclass(frozen=True)
class Measured:
    """All answers of one model."""

    model: str
    speech: Sequence[Speech]
    noises: Sequence[Noise]
    encoded: Sequence[Encoded] = ()


def speech(servers: Servers, recordings: Sequence[Recording]) -> Iterator[Speech]:
    """Have every recording transcribed each way."""
    for number, recording in enumerate(recordings, 1):
        say(f"{number} of {len(recordings)} recordings: {recording.name}")
        wav = recording.wav
        yield Speech(
            recording,
            straight=servers.straight(wav),
            without_vad=servers.straight(wav, vad=False),
            proxied=servers.proxied(wav),
            words=servers.words(wav),
        )


def noises(servers: Servers) -> Iterator[Noise]:
    """Have every sound transcribed, as loud as it is made and quieter."""
    for number, name in enumerate(SOUNDS, 1):
        say(f"{number} of {len(SOUNDS)} sounds: {name}")
        for gain in (1.0, QUIETER):
            wav = wav_bytes(made(name, gain))
            alone, proxied = servers.straight(wav, vad=False), servers.proxied(wav)
            yield Noise(name, gain < 1, alone.text, proxied.text)


def encoded(
    box: Box, servers: Servers, spoken: Sequence[Speech], temporary: Path
) -> Iterator[Encoded]:
    """Have the recordings of IN_EVERY_FORMAT transcribed in all of them.

    What several formats are decoded to is sent to whisper-server once.
    """
    chosen = [one for one in spoken if one.recording.name in IN_EVERY_FORMAT]
    known = {one.recording.wav: one.straight.text for one in chosen}
    source = temporary / "source.wav"
    for number, (name, options) in enumerate(FORMATS.items(), 1):
        say(f"{number} of {len(FORMATS)} formats: {name}")
        for recording in (one.recording for one in chosen):
            source.write_bytes(recording.wav)
            file = written(temporary, ("-i", str(source)), *options)
            wav = wav_bytes(decoded(box, file, DECODERS.get(name, "")))
            if wav not in known:
                known[wav] = servers.straight(wav).text
            proxied = servers.proxied(file).text
            yield Encoded(name, recording, wav == recording.wav, known[wav], proxied)
