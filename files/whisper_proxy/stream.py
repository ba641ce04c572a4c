"""A transcript as server-sent events, as OpenAI sends them."""

import json
from collections.abc import Iterator
from typing import Any

from .transcript import Transcript


def events(transcript: Transcript) -> str:
    """Return the stream: a delta for each segment, the whole text, `[DONE]`.

    whisper-server answers only when everything is transcribed, so all events come at once, and
    errors come before them. The deltas add up to the text. There is no usage, as OpenAI's event
    counts tokens.
    """
    deltas = [_event("transcript.text.delta", delta=text) for text in _deltas(transcript)]
    done = _event("transcript.text.done", text=transcript.text)
    return "".join([*deltas, done, "data: [DONE]\n\n"])


def _deltas(transcript: Transcript) -> Iterator[str]:
    # The text is stripped at both ends; a segment of only such whitespace gives no delta.
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
