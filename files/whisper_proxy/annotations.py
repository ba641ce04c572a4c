# ruff: noqa: RUF001 - wide brackets and stops are meant
"""Finds what Whisper writes for sounds that are no speech: [BLANK_AUDIO], (door slams), *sighs*.

Whisper has learnt it from subtitles. It writes spoken words without brackets, with exceptions:
(555) 123-4567, f(x), [sic], an aside (like this one). So brackets alone prove nothing. What stands
apart, as a segment or a sentence of its own, is an annotation. Within a sentence it is one if it is
written like a label ([Music], [BLANK_AUDIO]) or names a sound.
"""

import re
from collections.abc import Iterator, Sequence

BLANK = "\0"  # in place of each character of an annotation, and between two segments

NOTE = "(?:[♩♪♫♬🎵🎶🎼]\ufe0f?)"
OPENING, CLOSING = r"\[({【（［〔", r"\])}】）］〕"
# What a pattern takes is bounded, so that no text takes long.
BRACKETED = re.compile(
    rf"(?P<mark>[{OPENING}]){{1,3}}(?P<name>[^{OPENING}{CLOSING}]{{1,100}})[{CLOSING}]{{1,3}}"
    r"|(?<![\w*])(?P<star>\*){1,3}(?P<starred>[^*]{1,100})\*{1,3}(?![\w*])"
    r"|<(?P<tag>\w[^<>]{0,60})>"
    rf"|(?P<open>[{OPENING}]){{1,3}}(?P<cut>[^{OPENING}{CLOSING}{BLANK}]{{1,100}})(?={BLANK})"
)
# Words that are sung, up to the end of the segment; whisper.cpp's own tokens; a change of speakers.
ALWAYS = (
    re.compile(rf"(?<={BLANK})\s*{NOTE}[^{BLANK}]*{NOTE}\s*(?={BLANK})"),
    re.compile(rf"{NOTE}+[^{BLANK}♩♪♫♬🎵🎶🎼]{{0,300}}{NOTE}+|{NOTE}+"),
    re.compile(r"\[_\w{1,40}\]|<\|[^|<>]{0,40}\|>"),
    re.compile(rf"(?<=[{BLANK}.!?…])\s*>{{2,3}}(?!>)"),
)
SQUARE = "[{【［〔"
# Two letters, one that is not Latin, or the gap that YouTube leaves for a curse.
NAMES = re.compile(r"[^\W\d_]{2}|[^\W\d_\x00-\x7f]|__")
LABEL = re.compile(r"_\w+|[A-Z0-9_ ]*_[A-Z0-9_ ]*")
SENTENCE = re.compile(r"\s*(\S+\s+){2,}\S*[.!?。！？]\s*|.*\d.*", re.DOTALL)
WORD = re.compile(r"[^\W_]")
BEFORE = re.compile(rf"[{BLANK}.!?…。！？:>\"”–—-]\s*$")
SOUND = re.compile(
    # What is heard of people, animals and things, as subtitles say it: laughs, door creaking.
    r"\b(?:laugh|chuckl|giggl|sigh|cough|sneez|sniff|sniffl|gasp|groan|grunt|moan|sob|yawn|snor|snort"
    r"|hum|mumbl|murmur|whistl|whisper|scream|clap|applaud|cheer|buzz|beep|click|clatter|crackl"
    r"|crunch|creak|bark|meow|chirp|knock|ring|typ|breath|exhal|inhal|speak|sing|cry|clear)"
    r"(?:s|es|e|ing|ings)?\b"
    r"|\b(?:applause|laughter|noises?|static|silen(?:ce|t)|inaudible|unintelligible|indistinct"
    r"|crosstalk|blank|footsteps?|foreign)\b"
    # Music, applause, laughter and silence in other languages.
    r"|\bm[uúü][sz]i[ckqk]|\bmuzy?[ikc]|музык|音[楽乐樂]|음악|موسيقى"
    r"|\bappl?aus|аплодисм|拍手|[掌笑]声|鼓掌|박수"
    r"|\bris(?:as?|os?|ate)\b|\brires?\b|\blach(?:en|t)\b|gelächter|смех|смеет|笑|웃음"
    r"|\bsilen[cz]|\bstille\b|тишин|無音|静[かけ寂]|沉默",
    re.IGNORECASE,
)


def blank(texts: Sequence[str]) -> list[str]:
    """Return the segments' texts, of the same lengths, with BLANK for what is no speech.

    An annotation may go over the border of segments. What is left of a segment without any letter
    or digit was its punctuation.
    """
    joined = BLANK.join(["", *texts, ""])
    for pattern in ALWAYS:
        for match in pattern.finditer(joined):
            joined = _blanked(joined, *match.span())
    for match in BRACKETED.finditer(joined):
        if _is_annotation(match, joined):
            joined = _blanked(joined, *match.span())
    return _without_lone_punctuation(texts, list(_split(joined, texts)))


def _is_annotation(match: re.Match[str], text: str) -> bool:
    mark = match["mark"] or match["star"] or match["open"] or "<"
    name = match["name"] or match["starred"] or match["tag"] or match["cut"]
    name = name.replace(BLANK, "").strip()
    if not NAMES.search(name):
        return False
    if mark in SQUARE and LABEL.fullmatch(name):
        return True
    start, end = match.span()
    before, after = text[max(0, start - 20) : start], text[end : end + 20]
    if _is_attached(before, after):
        return False
    if SOUND.search(name.replace("_", " ")) and len(name.split()) <= 6:
        return True
    if match["cut"]:
        return False
    labelled = mark not in "[{" or (name[0].isalpha() and not name[0].islower())
    if mark in SQUARE and labelled:
        return True
    return not SENTENCE.fullmatch(name) and _stands_apart(before, after)


def _is_attached(before: str, after: str) -> bool:
    """Whether it is part of a word: f(x), person(s), (re)build."""
    return bool(re.search(r"[A-Za-z0-9)]$", before) or re.match("[a-z0-9]", after))


def _stands_apart(before: str, after: str) -> bool:
    """Whether it follows a sentence or begins a segment, and no sentence goes on after it."""
    following = after.lstrip()[:1]
    goes_on = following.islower() or following.isdigit() or following in ",;:"
    return bool(BEFORE.search(before)) and not (following and goes_on)


def _blanked(text: str, start: int, end: int) -> str:
    """Return the text without what is between, nor the white space and the stop that belong to it.

    One white space stays between the words before and after it.
    """
    if BEFORE.search(text[max(0, start - 20) : start]):
        end += len(text[end : end + 3]) - len(text[end : end + 3].lstrip(".,!…"))
    if not WORD.match(text, end):
        start = len(text[:start].rstrip())
    return text[:start] + BLANK * (end - start) + text[end:]


def _split(joined: str, texts: Sequence[str]) -> Iterator[str]:
    at = 1
    for text in texts:
        yield joined[at : at + len(text)]
        at += len(text) + 1


def _without_lone_punctuation(texts: Sequence[str], blanked: list[str]) -> list[str]:
    spoken = any(map(WORD.search, blanked))
    return [
        after if spoken and (after == before or WORD.search(after)) else BLANK * len(after)
        for before, after in zip(texts, blanked, strict=True)
    ]
