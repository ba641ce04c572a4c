"""The sentence that proves a transcription."""

import pytest

from voicemode_whisper.core.speech import is_spoken


@pytest.mark.parametrize(
    ("transcript", "spoken"),
    [
        ("And so my fellow Americans ask not what your country can do for you, ask", True),
        (" And so, my fellow Americans: Ask not,\nwhat your country can do for YOU!", True),
        ("", False),
        ("[BLANK_AUDIO]", False),
        ('{"error": "task not what your"}', False),
        ("ask what you can do for your country", False),
    ],
)
def test_a_transcript_has_the_sentence_or_not(transcript, spoken):
    assert is_spoken(transcript) is spoken
