"""A transcript as server-sent events, as OpenAI sends them."""

import json
from collections.abc import Iterator
from typing import Any

from .details import details, logprobs
from .fields import TranscriptionRequest
from .transcript import Segment, Transcript


def events(transcript: Transcript, request: TranscriptionRequest) -> str:
    """Return the stream: a delta for each segment, the whole text, `[DONE]`.

    whisper-server answers only when everything is transcribed, so all events come at once, and
    errors come before them. The deltas add up to the text, and their logprobs to those of the text.
    """
    deltas = [_delta(*pair, request) for pair in _deltas(transcript)]
    done = _event("transcript.text.done", text=transcript.text, **_details(transcript, request))
    return "".join([*deltas, done, "data: [DONE]\n\n"])


def _delta(segment: Segment, text: str, request: TranscriptionRequest) -> str:
    found = {"logprobs": logprobs([segment])} if request.logprobs else {}
    return _event("transcript.text.delta", delta=text, **found)


def _details(transcript: Transcript, request: TranscriptionRequest) -> dict[str, Any]:
    found = details(transcript, request)
    if found["usage"]["type"] != "tokens":  # the only usage that OpenAI's event has
        del found["usage"]
    return found


def _deltas(transcript: Transcript) -> Iterator[tuple[Segment, str]]:
    # The text is stripped at both ends; a segment of only such whitespace gives no delta.
    spoken = "".join(segment.text for segment in transcript.segments)
    at = len(spoken.lstrip()) - len(spoken)
    for segment in transcript.segments:
        end = at + len(segment.text)
        delta = transcript.text[max(at, 0) : max(end, 0)]
        if delta:
            yield segment, delta
        at = end


def _event(kind: str, **fields: Any) -> str:
    return f"data: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n"
