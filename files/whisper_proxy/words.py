"""Words with timestamps, merged from whisper-server's tokens."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby

from .transcript import Piece, Segment, Transcript

# Languages written without spaces between words, where OpenAI's whisper makes each token a word
# (`split_to_word_tokens`). The names are whisper.cpp's.
UNSPACED = {"chinese", "cantonese", "japanese", "thai", "lao", "myanmar"}
# Unicode categories of characters that end a word (closing marks, accents) or begin one.
ENDING = {"Pe", "Pf", "Po", "Mn", "Mc"}
BEGINNING = {"Ps", "Pi"}
BROKEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Word:
    """A word with adjacent punctuation; start and end in seconds."""

    word: str
    start: float
    end: float


def words(transcript: Transcript) -> list[Word]:
    """Return the words in order, joining those that are split between segments."""
    starts = _starts_unspaced if transcript.language in UNSPACED else _starts_spaced
    groups: list[list[Piece]] = []
    for segment in transcript.segments:
        for piece in fix_split_characters(segment):
            _add(groups, piece, starts)
    return [word for word in map(_word, groups) if word.word]


def _add(groups: list[list[Piece]], piece: Piece, starts: Callable[[str, str], bool]) -> None:
    if groups and not starts(groups[-1][-1].text, piece.text):
        groups[-1].append(piece)
    else:
        groups.append([piece])


def _word(group: list[Piece]) -> Word:
    start = max(0.0, group[0].start)
    return Word(
        word="".join(piece.text for piece in group).strip(),
        start=round(start, 2),  # whisper.cpp counts in hundredths of a second
        end=round(max(start, group[-1].end), 2),
    )


def _starts_spaced(_: str, text: str) -> bool:
    return text[:1].isspace()


def _starts_unspaced(before: str, text: str) -> bool:
    if _are(ENDING, text) or _are(BEGINNING, before):
        return False
    # A Latin name in, say, Chinese text is one word.
    latin = text[:1].isascii() and text[:1].isalnum()
    return not (latin and before[-1:].isascii() and before[-1:].isalnum())


def _are(categories: set[str], text: str) -> bool:
    return all(unicodedata.category(character) in categories for character in text)


def fix_split_characters(segment: Segment) -> Iterator[Piece]:
    """Yield the pieces, with those that share a character joined into one.

    v1.9 joins them itself; v1.7 gives each its part of the bytes, which are lost in JSON. The
    missing text is taken from the segment: it lies between the intact pieces.
    """
    runs = [list(run) for _, run in groupby(segment.pieces, lambda piece: BROKEN in piece.text)]
    at = 0
    for run, following in zip(runs, [*runs[1:], []], strict=False):
        if BROKEN in run[0].text:
            text = _until(following, segment.text[at:])
            run = [Piece(text, run[0].start, run[-1].end, run[0].probability)]
        at += sum(len(piece.text) for piece in run)
        yield from run


def _until(following: list[Piece], text: str) -> str:
    end = text.find(following[0].text, 1) if following else -1
    return text if end < 0 else text[:end]
