"""Values that handlers add to the log line of the current request."""

from contextvars import ContextVar

_CONTEXT: ContextVar[dict[str, int | str]] = ContextVar("log_context")


def begin_log_context() -> dict[str, int | str]:
    """Start an empty context for the current request and return it."""
    context: dict[str, int | str] = {}
    _CONTEXT.set(context)
    return context


def add_log_context(**values: int | str) -> None:
    """Add values to the log line of the current request. Never add speech or prompts."""
    _CONTEXT.get({}).update(values)
