"""The events of OpenAI's realtime protocol, as far as transcription sessions have them."""

import base64
import binascii
import json
import uuid
from dataclasses import dataclass
from typing import Any

from .errors import ApiError, invalid, quoted

UPDATE, BETA_UPDATE = "session.update", "transcription_session.update"
APPEND, COMMIT, CLEAR = (
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
)
CLIENT_EVENTS = (UPDATE, APPEND, COMMIT, CLEAR, BETA_UPDATE)
TRANSCRIPTION = "conversation.item.input_audio_transcription"

Event = dict[str, Any]


@dataclass(frozen=True)
class ClientEvent:
    """What a client sent. id: its own name for it, which an error about it has; None without."""

    type: str
    fields: Event
    id: str | None = None


def parse(text: str) -> ClientEvent:
    """Return a client's event, or raise ApiError."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise ApiError(400, "The event is not valid JSON.", code="invalid_json") from None
    if not isinstance(fields, dict):
        raise ApiError(400, "The event must be a JSON object.", code="invalid_json")
    given = fields.get("event_id")
    kind = fields.get("type")
    return ClientEvent(str(kind), fields, given if isinstance(given, str) else None)


def unknown(event: ClientEvent) -> ApiError:
    """Return the error for an event that transcription sessions do not have."""
    known = ", ".join(CLIENT_EVENTS)
    message = f"`type` is {quoted(event.type)}, but must be one of: {known}."
    return invalid("type", message)


def audio(event: ClientEvent) -> bytes:
    """Return the sound of an event, or raise ApiError."""
    encoded = event.fields.get("audio")
    try:
        if not isinstance(encoded, str):
            raise ValueError
        return base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise invalid("audio", "`audio` must be sound in base64.") from None


def new_id(kind: str) -> str:
    """Return an id in OpenAI's form, such as item_…."""
    return f"{kind}_{uuid.uuid4().hex[:24]}"


def server_event(kind: str, **fields: Any) -> Event:
    """Return an event for the client."""
    return {"type": kind, "event_id": new_id("event"), **fields}


def error(problem: ApiError, client_event: str | None = None) -> Event:
    """Return the event for an error after which the session goes on."""
    return server_event("error", error={**problem.body()["error"], "event_id": client_event})


def failed(item: str, problem: ApiError) -> Event:
    """Return the event for a turn that could not be transcribed."""
    found = problem.body()["error"]
    return server_event(f"{TRANSCRIPTION}.failed", item_id=item, content_index=0, error=found)


def delta(item: str, text: str) -> Event:
    """Return the event for words that are added to a turn."""
    return server_event(f"{TRANSCRIPTION}.delta", item_id=item, content_index=0, delta=text)


def completed(item: str, answer: Event) -> Event:
    """Return the event for the transcript of a turn. answer: as for a file, in `json`."""
    rest = {name: value for name, value in answer.items() if name != "text"}
    return server_event(
        f"{TRANSCRIPTION}.completed",
        item_id=item,
        content_index=0,
        transcript=answer["text"],
        **rest,
    )


def committed(item: str, previous: str | None, *, beta: bool) -> list[Event]:
    """Return the events for a turn that has ended. previous: the id of the one before."""
    content = {"type": "input_audio", "transcript": None}
    whole = {
        "id": item,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [content],
    }
    before = {"previous_item_id": previous}
    kinds = ("created",) if beta else ("added", "done")
    added = [server_event(f"conversation.item.{kind}", **before, item=whole) for kind in kinds]
    return [server_event("input_audio_buffer.committed", **before, item_id=item), *added]
