"""The recording that every build and every service has to transcribe."""

import re

# President Kennedy in whisper.cpp's samples/jfk.wav.
SPOKEN = "ask not what your country can do for you"
SAMPLE_SECONDS = 11


def is_spoken(transcript: str) -> bool:
    """Whether a transcript has the sentence, whatever its punctuation, case and line breaks."""
    words = re.sub(r"[^a-z]+", " ", transcript.lower())
    return SPOKEN in words
