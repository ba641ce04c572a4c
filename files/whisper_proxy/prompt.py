"""What of a prompt whisper-server gets: what Whisper can use, and no more than it can bear."""

import re
from collections.abc import Iterable

# Whisper reads the last 223 tokens of a prompt, half of its context. In no language do these hold
# more than about 9 bytes each, three Chinese characters. Where there are no spaces, whisper.cpp's
# tokenizer recurses once for each byte and searches in cubic time: it takes 0.1 s for 2 KB (of any
# characters, on a slow CPU), 9 s for 12 KB, and overflows its stack at about 26 KB.
MAX_BYTES = 2048
# Whisper would take it for the end of the text, or for something to write itself.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def prompt(keywords: Iterable[str], text: str) -> str:
    """Return the prompt for whisper-server: the keywords as a list, then the text, on lines.

    Whisper has no keywords, but it imitates the spelling of words in its prompt. Only the last
    MAX_BYTES are kept. A run of white space becomes one space, as it leads Whisper astray: after
    50 spaces, it takes eight times as long.
    """
    lines = [", ".join(filter(None, map(_line, keywords))), *map(_line, text.splitlines())]
    return _tail("\n".join(filter(None, lines)))


def _line(text: str) -> str:
    return " ".join(CONTROL.sub(" ", text).split())


def _tail(text: str) -> str:
    # Half a character at the cut is dropped, and half a pair that JSON may escape.
    return text.encode(errors="ignore")[-MAX_BYTES:].decode(errors="ignore").lstrip()
