"""OpenAI's error object, and the exception that carries one to the client."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

SHOWN_CHARACTERS = 40


class ApiError(Exception):
    """An error response. `message` is for the client: no internals, no speech."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """Return `{"error": {message, type, param, code}}`, as OpenAI's clients expect."""
        kind = "invalid_request_error" if self.status < 500 else "server_error"
        return {
            "error": {
                "message": self.message,
                "type": kind,
                "param": self.param,
                "code": self.code,
            }
        }

    def response(self) -> web.Response:
        """Return the HTTP response."""
        return web.json_response(self.body(), status=self.status, headers=self.headers)


def invalid(param: str, message: str, code: str = "invalid_value") -> ApiError:
    """Return the 400 for an invalid field."""
    return ApiError(400, message, param=param, code=code)


def not_one_of(param: str, text: str, allowed: Sequence[str]) -> ApiError:
    """Return the 400 for a field that has none of the values that it may have."""
    known = ", ".join(allowed)
    return invalid(param, f"`{param}` is {quoted(text)}, but must be one of: {known}.")


def quoted(text: str) -> str:
    """Quote a value from a client, shortened to fit into a message."""
    cut = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    return repr(cut)
