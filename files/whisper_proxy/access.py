"""Access control: the API key, and CORS for pages of a configured origin."""

import hmac

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from .errors import ApiError
from .keys import SETTINGS

# Liveness is public. /metrics is not: it shows how the proxy is used.
OPEN_PATHS = {"/", "/health"}
PREFLIGHT_SECONDS = 600


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer CORS preflights, and refuse requests without the API key."""
    if _is_preflight(request):
        return web.Response(status=204, headers=_preflight(request))
    key = request.app[SETTINGS].api_key
    if key and request.path not in OPEN_PATHS:
        _check(request.headers.get(hdrs.AUTHORIZATION, ""), key)
    return await handler(request)


async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    """Let pages of the configured origin read the response."""
    response.headers.update(_cors(request))


def _check(authorization: str, key: str) -> None:
    scheme, _, sent = authorization.partition(" ")
    # As bytes, since compare_digest accepts only ASCII text.
    same = hmac.compare_digest(sent.strip().encode(errors="surrogateescape"), key.encode())
    if not (same and scheme.lower() == "bearer"):
        message = "The API key is missing or wrong. Send it as 'Authorization: Bearer KEY'."
        raise ApiError(401, message, code="invalid_api_key", headers={"WWW-Authenticate": "Bearer"})


def _is_preflight(request: web.Request) -> bool:
    return (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        and bool(_cors(request))
    )


def _preflight(request: web.Request) -> dict[str, str]:
    # Allow whatever is requested: OpenAI's client sends a dozen headers of its own, and "*" does
    # not cover Authorization.
    requested = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
    return {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST",
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: requested,
        hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_SECONDS),
    }


def _cors(request: web.Request) -> dict[str, str]:
    allowed = request.app[SETTINGS].cors_origin
    if not allowed or allowed not in ("*", request.headers.get(hdrs.ORIGIN)):
        return {}
    return {
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: allowed,
        hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: "x-request-id, Retry-After",
        hdrs.VARY: hdrs.ORIGIN,
    }
