"""How far transcripts are from what was said: errors of words, and of their times.

jiwer counts and aligns. Texts are normalised as for Whisper's own figures (OpenAI's
EnglishTextNormalizer), but for the words whose times are compared.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median

from whisper_proxy.words import Word

from ..figures import percentile

ASTERISKS = re.compile(r"\*[^*]*\*")  # which OpenAI's normaliser leaves, other than brackets


@dataclass(frozen=True)
class Errors:
    """Words that were substituted, left out or put in, and the words that were said."""

    wrong: int
    words: int

    @property
    def rate(self) -> float:
        """The word error rate."""
        return self.wrong / self.words


@dataclass(frozen=True)
class TimeErrors:
    """Of so many words, how many seconds the start that was told is from where they begin."""

    words: int
    median: float
    p95: float


@cache
def _normaliser() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser: Callable[[str], str] = EnglishTextNormalizer()
    return normaliser


def normalised(text: str) -> str:
    """Return a text as it is compared: spellings, numbers and contractions of one kind, no marks.

    What stands in brackets or between asterisks, as Whisper writes sounds, is no word.
    """
    return _normaliser()(ASTERISKS.sub(" ", text))


def word_errors(pairs: Iterable[tuple[str, str]]) -> Errors:
    """Return the errors of all transcripts together, from what was said and what was heard."""
    found = [_errors(normalised(said), normalised(heard)) for said, heard in pairs]
    return Errors(sum(one.wrong for one in found), sum(one.words for one in found))


def _errors(said: str, heard: str) -> Errors:
    import jiwer

    if not said:
        return Errors(len(heard.split()), 0)
    output = jiwer.process_words(said, heard)
    wrong = output.substitutions + output.deletions + output.insertions
    return Errors(wrong, len(said.split()))


def differing(one: str, other: str) -> int:
    """Return how many words of a transcript are others, or missing, or too many, in another."""
    return _errors(normalised(one), normalised(other)).wrong


def start_errors(text: str, starts: Sequence[float | None], heard: Sequence[Word]) -> list[float]:
    """Return how many seconds a word's start is from where it begins, of each that was heard.

    Words that were heard as others have no place to compare with.
    """
    import jiwer

    said = [(_bare(word), start) for word, start in zip(text.split(), starts, strict=True)]
    told = [(bare, word.start) for word in heard if (bare := _bare(word.word))]
    reference, hypothesis = (" ".join(word for word, _ in words) for words in (said, told))
    errors = []
    for chunk in jiwer.process_words(reference, hypothesis).alignments[0]:
        if chunk.type == "equal":
            known = said[chunk.ref_start_idx : chunk.ref_end_idx]
            claimed = told[chunk.hyp_start_idx : chunk.hyp_end_idx]
            pairs = zip(known, claimed, strict=True)
            errors += [abs(at - start) for (_, start), (_, at) in pairs if start is not None]
    return errors


def _bare(word: str) -> str:
    """Return a word without its marks: it stays one word, unlike when it is normalised."""
    return re.sub(r"[^a-z0-9]", "", word.lower())


def time_errors(errors: Sequence[float]) -> TimeErrors:
    """Return the figures of errors in seconds, of which there are at least two."""
    return TimeErrors(len(errors), median(errors), percentile(errors, 95))
