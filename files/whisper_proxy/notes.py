"""What is learnt about a request on its way, for its one line in the log."""

from contextvars import ContextVar

_NOTES: ContextVar[dict[str, int]] = ContextVar("notes")


def begin() -> dict[str, int]:
    """Return the notes of the request that begins in this context."""
    notes: dict[str, int] = {}
    _NOTES.set(notes)
    return notes


def note(**values: int) -> None:
    """Add to the notes of this request. Never what was said."""
    _NOTES.get({}).update(values)
