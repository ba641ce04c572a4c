"""Recordings of many formats, damaged in ways that break parsers; the same in every run."""

import random
import struct
from collections.abc import Callable, Iterator

from .samples import encoded, silence

SEED = 11
FRAGMENTS = ("-movflags", "+frag_keyframe+empty_moov", "mp4")
ENCODINGS = (
    ("-c:a", "libmp3lame", "mp3"),
    ("-ac", "2", "-c:a", "libmp3lame", "mp3"),
    ("wav",),
    ("-c:a", "adpcm_ima_wav", "wav"),
    ("flac",),
    ("-c:a", "libopus", "ogg"),
    ("-c:a", "libvorbis", "ogg"),
    ("-c:a", "libopus", "webm"),
    ("-c:a", "aac", "matroska"),
    ("-c:a", "aac", *FRAGMENTS),
    ("-c:a", "alac", *FRAGMENTS),
    ("-c:a", "aac", "adts"),
    ("-c:a", "aac", "mpegts"),
    ("-c:a", "aac", "flv"),
    ("-c:a", "mp2", "mpeg"),
    ("-c:a", "libmp3lame", "avi"),
    ("-c:a", "wmav2", "asf"),
    ("aiff",),
    ("au",),
    ("caf",),
    ("w64",),
    ("-c:a", "ac3", "ac3"),
    ("-c:a", "wavpack", "wv"),
    ("tta",),
    ("voc",),
)
# What length fields often fail with.
LENGTHS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
HEAD_BYTES = 400

Damage = Callable[[random.Random, bytearray], None]


def recordings(count: int) -> Iterator[bytes]:
    """Yield this many damaged recordings."""
    chance = random.Random(SEED)
    whole = [silence(0.3), *(encoded(*options, seconds=0.3) for options in ENCODINGS)]
    for number in range(count):
        content = bytearray(whole[number % len(whole)])
        for _ in range(chance.randint(1, 3)):
            chance.choice(DAMAGES)(chance, content)
        yield bytes(content) or b"\0"


def _cut(chance: random.Random, content: bytearray) -> None:
    del content[chance.randint(1, max(1, len(content))) :]


def _cut_in_the_head(chance: random.Random, content: bytearray) -> None:
    del content[chance.randint(1, HEAD_BYTES) :]


def _lose_the_start(chance: random.Random, content: bytearray) -> None:
    del content[: chance.randint(1, max(1, len(content) // 2))]


def _flip_bits(chance: random.Random, content: bytearray) -> None:
    for _ in range(chance.randint(1, 50) if content else 0):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _flip_bits_of_the_head(chance: random.Random, content: bytearray) -> None:
    for _ in range(chance.randint(1, 8) if content else 0):
        content[chance.randrange(min(HEAD_BYTES, len(content)))] ^= 1 << chance.randrange(8)


def _lie_about_a_length(chance: random.Random, content: bytearray) -> None:
    at = chance.randrange(0, HEAD_BYTES, chance.choice((1, 4)))
    length = struct.pack(chance.choice("<>") + "I", chance.choice(LENGTHS))
    content[at : at + 4] = length


def _repeat_a_part(chance: random.Random, content: bytearray) -> None:
    start = chance.randrange(HEAD_BYTES)
    content[start:start] = content[start : start + chance.randint(1, HEAD_BYTES)] * 20


def _zero_a_part(chance: random.Random, content: bytearray) -> None:
    start = chance.randrange(max(1, len(content)))
    length = min(chance.randint(1, 3000), len(content) - start)
    content[start : start + length] = bytes(length)


def _insert_junk(chance: random.Random, content: bytearray) -> None:
    start = chance.randrange(max(1, len(content)))
    content[start:start] = chance.randbytes(chance.randint(1, 2000))


DAMAGES: tuple[Damage, ...] = (
    _cut,
    _cut_in_the_head,
    _lose_the_start,
    _flip_bits,
    _flip_bits_of_the_head,
    _lie_about_a_length,
    _repeat_a_part,
    _zero_a_part,
    _insert_junk,
)
