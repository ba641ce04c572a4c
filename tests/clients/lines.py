"""Answers every line of standard input, JSON, with a line of JSON: {"result"} or {"error"}."""

import json
import sys
from collections.abc import Callable
from typing import Any


def serve(transcribe: Callable[..., Any]) -> None:
    """Answer until the input ends. What a client prints itself goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        answer = _attempt(transcribe, json.loads(line))
        print(json.dumps(answer, default=_fields), file=answers, flush=True)


def _attempt(transcribe: Callable[..., Any], question: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": transcribe(**question)}
    except Exception as error:
        status = getattr(error, "status_code", None)
        return {"error": {"type": type(error).__name__, "message": str(error), "status": status}}


def _fields(model: Any) -> Any:
    return model.model_dump()  # clients answer with Pydantic's models
