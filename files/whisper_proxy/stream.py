"""A transcript as OpenAI's server-sent events."""

import json
from collections.abc import Iterator
from typing import Any

from .transcript import Transcript


def events(transcript: Transcript) -> str:
    """Return the stream: a delta a segment, the whole text, `[DONE]`.

    whisper-server answers when all is transcribed, so the events come at once, and what fails,
    fails before them. The deltas join to the text. No usage: OpenAI's event counts tokens.
    """
    deltas = [_event("transcript.text.delta", delta=text) for text in _deltas(transcript)]
    done = _event("transcript.text.done", text=transcript.text)
    return "".join([*deltas, done, "data: [DONE]\n\n"])


def _deltas(transcript: Transcript) -> Iterator[str]:
    # The text has lost the spaces at both its ends; a segment of nothing else is no delta.
    spoken = "".join(segment.text for segment in transcript.segments)
    at = len(spoken.lstrip()) - len(spoken)
    for segment in transcript.segments:
        end = at + len(segment.text)
        delta = transcript.text[max(at, 0) : max(end, 0)]
        if delta:
            yield delta
        at = end


def _event(kind: str, **fields: Any) -> str:
    return f"data: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n"
