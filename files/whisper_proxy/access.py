"""Access control: who may call, by host name, page, certificate and key, and CORS for pages."""

import re

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from . import page
from .client_secrets import PREFIX
from .errors import ApiError, quoted
from .keys import API_KEY, CLIENT_SECRETS, OWN_NAMES, SECRET_SESSION, SETTINGS
from .names import name_of
from .peer import called_address, has_certificate, is_local

# Liveness is public, and so is the page, which shows nothing without the key. /metrics and /status
# are not: they show how the proxy is used.
OPEN_PATHS = {"/", "/health"} | page.PATHS
REALTIME = "/{base}realtime{slash}"
KEY_PROTOCOL = "openai-insecure-api-key."
PREFLIGHT_SECONDS = 600
WEB_ORIGIN = re.compile(r"https?://([\w.:\[\]-]+)", re.ASCII)
# The characters of field names (RFC 9110, section 5.1), which may be sent back as they came.
FIELD_NAMES = re.compile(r"[\w!#$%&'*+.^`|~, -]+", re.ASCII)
PRIVATE_NETWORK = "Access-Control-Request-Private-Network"


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse strangers' pages, and clients without certificate or key, before any body is read.

    CORS preflights of pages that may call are answered here.
    """
    _check_hosts(request)
    _check_page(request)
    if _is_preflight(request):
        return web.Response(status=204, headers=_preflight(request))
    if request.path not in OPEN_PATHS:
        _check_client(request)
    return await handler(request)


async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
    """Let pages that may call read the response."""
    vary = [*response.headers.getall(hdrs.VARY, ()), hdrs.ORIGIN]
    response.headers.update({**_cors(request), hdrs.VARY: ", ".join(vary)})


def _check_client(request: web.Request) -> None:
    """Raise ApiError unless the client has shown a certificate, or sends the API key.

    Without a CA for clients, and on this machine itself, only the key counts.
    """
    settings = request.app[SETTINGS]
    if settings.client_ca and has_certificate(request):
        return
    if settings.client_ca and not settings.api_key_file and not is_local(request):
        raise _forbidden(
            "This service takes clients of other machines only with a certificate from its CA for "
            "clients. Show one (curl --cert FILE --key FILE).",
            "client_certificate_required",
        )
    if not _has_client_secret(request):
        request.app[API_KEY].check(_authorization(request))


def _authorization(request: web.Request) -> str:
    """Return what a client says to be let in; pages cannot set a header of their WebSockets."""
    named = request.headers.get(hdrs.SEC_WEBSOCKET_PROTOCOL, "").split(",")
    keys = (name.strip().removeprefix(KEY_PROTOCOL) for name in named if KEY_PROTOCOL in name)
    return request.headers.get(hdrs.AUTHORIZATION) or f"Bearer {next(keys, '')}"


def _has_client_secret(request: web.Request) -> bool:
    """Whether a live session is asked for with a client secret; ApiError 401 if it is no good."""
    value = _authorization(request).partition(" ")[2].strip()
    resource = request.match_info.route.resource
    if not value.startswith(PREFIX) or not resource or resource.canonical != REALTIME:
        return False
    if not request.app[API_KEY].wanted and not request.app[CLIENT_SECRETS].is_ours(value):
        return False  # as any key is taken
    request[SECRET_SESSION] = request.app[CLIENT_SECRETS].session(value)
    return True


def _check_hosts(request: web.Request) -> None:
    """Raise ApiError if the request is for a name of somebody else's.

    Browsers always say for which: a page that let its own name lead here would have that one.
    """
    # A whole URL as the target names a host too (RFC 9112, section 3.2.2): `request.host` then.
    named = {*request.headers.getall(hdrs.HOST, ()), request.host}
    stranger = next((host for host in named if host and not _may_be_ours(request, host)), None)
    if stranger is not None:
        raise _forbidden(
            f"{quoted(stranger)} is no name of this service. If it is one, add it to proxy_names "
            "in the deploy's settings (WHISPER_PROXY_NAMES).",
            "unknown_host",
        )


def _may_be_ours(request: web.Request, authority: str) -> bool:
    name = name_of(authority)
    if name is None:
        return False
    # A name without a dot is of this network: nobody on the Internet can let it lead here.
    return ("." not in name and ":" not in name) or _is_ours(request, name)


def _is_ours(request: web.Request, name: str) -> bool:
    return name == called_address(request) or name in request.app[OWN_NAMES]


def _check_page(request: web.Request) -> None:
    """Raise ApiError if a page calls that may not; who sends no Origin is no page."""
    page = _page(request)
    if page is not None and not _is_visit(request) and _allowed(request, page) is None:
        raise _forbidden(
            f"Pages of {quoted(page)} may not use this service. If they are to, add the origin to "
            "proxy_cors_origins in the deploy's settings (WHISPER_PROXY_CORS_ORIGINS).",
            "origin_not_allowed",
        )


def _page(request: web.Request) -> str | None:
    """Return the origin of the page that calls, None if it is none.

    A page that only embeds something of another site tells no origin, but that it does so.
    """
    origins = request.headers.getall(hdrs.ORIGIN, ())
    if any(origins):
        return ", ".join(origins)
    site = request.headers.get("Sec-Fetch-Site", "")
    return "another site" if site.lower() == "cross-site" else None


def _is_visit(request: web.Request) -> bool:
    """Return whether somebody follows a link to the page here: whose link it is learns nothing."""
    headers = request.headers
    return (
        (request.method, request.path) == (hdrs.METH_GET, "/")
        and headers.get("Sec-Fetch-Mode") == "navigate"
        and headers.get("Sec-Fetch-Dest") == "document"
    )


def _allowed(request: web.Request, page: str) -> str | None:
    """Return what Access-Control-Allow-Origin says to a page; None if it may not call."""
    origins = request.app[SETTINGS].cors_origins
    if "*" in origins:
        return "*"
    found = WEB_ORIGIN.fullmatch(page.lower())
    name = name_of(found[1]) if found else None
    is_ours = name is not None and _is_ours(request, name)
    return page if is_ours or page.lower() in origins else None


def _forbidden(message: str, code: str) -> ApiError:
    return ApiError(403, message, code=code)


def _is_preflight(request: web.Request) -> bool:
    return (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        and _page(request) is not None
    )


def _preflight(request: web.Request) -> dict[str, str]:
    # Allow whatever is requested: OpenAI's client sends a dozen headers of its own, and "*" does
    # not cover Authorization.
    requested = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, "")
    headers: dict[str, str] = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST",
        hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_SECONDS),
    }
    if FIELD_NAMES.fullmatch(requested):
        headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = requested
    if request.headers.get(PRIVATE_NETWORK) == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return headers


def _cors(request: web.Request) -> dict[str, str]:
    page = _page(request)
    allowed = None if page is None else _allowed(request, page)
    if allowed is None:
        return {}
    return {
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: allowed,
        hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: "x-request-id, Retry-After",
    }
