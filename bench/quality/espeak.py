"""Speech that eSpeak NG makes, and when its words begin.

eSpeak NG tells of words by a callback of its C library alone (its speak_lib.h), so that is called.
"""

import ctypes
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

SYNCHRONOUS = 2  # of espeak_AUDIO_OUTPUT: all is handed to the callback, and none is played
UTF_8 = 1
LAST, WORD = 0, 1  # of espeak_EVENT_TYPE: the list ends, a word begins


class _Event(ctypes.Structure):
    """espeak_EVENT. text_position: its first character, from 1 on; sample: where it is heard."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_int16), ctypes.c_int, ctypes.POINTER(_Event)
)


class EspeakError(Exception):
    """Why eSpeak NG says nothing, in a line."""


@dataclass(frozen=True)
class Spoken:
    """PCM (mono, 16 bits) of `rate` Hz, and the second at which each word of the text begins.

    None for a word that eSpeak NG pronounces as one with the word before it.
    """

    pcm: bytes
    rate: int
    starts: tuple[float | None, ...]


class Espeak:
    """eSpeak NG: one in a process, as its library is.

    Its sound has a little noise, which goes on from text to text: the same texts in the same order
    give the same samples.
    """

    def __init__(self) -> None:
        import espeakng_loader

        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._rate = int(self._library.espeak_Initialize(SYNCHRONOUS, 0, data, 0))
        if self._rate <= 0:
            raise EspeakError("eSpeak NG does not start")
        self._pcm = bytearray()
        self._begun: list[tuple[int, int]] = []  # position in the text, and sample
        self._callback = _CALLBACK(self._take)  # kept, as the library keeps no reference
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, voice: str, text: str) -> Spoken:
        """Read a text in ASCII in a voice such as `en-us` or `en-us+f3`."""
        self._pcm.clear()
        self._begun.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise EspeakError(f"eSpeak NG has no voice {voice}")
        encoded = text.encode("ascii")
        size = ctypes.c_size_t(len(encoded) + 1)
        if self._library.espeak_Synth(encoded, size, 0, 1, 0, UTF_8, None, None):
            raise EspeakError("eSpeak NG says nothing")
        return Spoken(bytes(self._pcm), self._rate, word_starts(text, self._begun, self._rate))

    def _take(self, samples: Any, count: int, events: Any) -> int:
        if samples:
            self._pcm += ctypes.string_at(samples, 2 * count)
        at = 0
        while events[at].type != LAST:
            if events[at].type == WORD:
                self._begun.append((events[at].text_position - 1, events[at].sample))
            at += 1
        return 0


def word_starts(text: str, begun: Iterable[tuple[int, int]], rate: int) -> tuple[float | None, ...]:
    """Return the second at which each word begins, from positions in the text and samples.

    None for a word of which nothing was told.
    """
    words = text.split()
    places = _places(text, words)
    starts: list[float | None] = [None] * len(words)
    for position, sample in begun:
        word = bisect_right(places, position) - 1
        if starts[word] is None:  # of a word with a hyphen, the first part counts
            starts[word] = sample / rate
    return tuple(starts)


def _places(text: str, words: Sequence[str]) -> list[int]:
    """Return the position of each word's first character."""
    ends = accumulate(words, lambda end, word: text.index(word, end) + len(word), initial=0)
    return [text.index(word, end) for word, end in zip(words, ends, strict=False)]
