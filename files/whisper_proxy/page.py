"""The page for browsers at /, and the files that it consists of, which come with this package."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ETag, hdrs, web

from .health import root as health_root
from .keys import SETTINGS
from .languages import LANGUAGES

FILES = Path(__file__).with_name("page")
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
# Nothing from elsewhere, nothing inline, and no text that becomes markup; blob: is the recording
# that is played, which stays in the browser.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "media-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    hdrs.CACHE_CONTROL: "no-cache",  # asked for each time: an upgrade may have brought another
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class File:
    """A file of the page: its content and its media type, in UTF-8."""

    body: bytes
    content_type: str

    @property
    def etag(self) -> str:
        """What changes with the content."""
        return hashlib.sha256(self.body).hexdigest()[:16]


def _files() -> dict[str, File]:
    # Editors and file managers leave others beside them: main.js~, .DS_Store, .#main.js.
    paths = [path for path in FILES.glob("[!.]*") if path.suffix in TYPES]
    found = {path.name: File(path.read_bytes(), TYPES[path.suffix]) for path in paths}
    languages = File(json.dumps(LANGUAGES).encode(), TYPES[".json"])
    return {**found, "languages.json": languages}


PAGE = "index.html"
BY_NAME = _files()
PATHS = frozenset(f"/page/{name}" for name in BY_NAME)


def add_routes(router: web.UrlDispatcher) -> None:
    """Add the paths of the page's files."""
    router.add_get("/page/{name}", part)


async def root(request: web.Request) -> web.Response:
    """Answer a browser with the page, and whoever else asks with a line."""
    if request.app[SETTINGS].page and wants_page(request.headers.get(hdrs.ACCEPT, "")):
        response = _answer(request, BY_NAME[PAGE])
    else:
        response = await health_root(request)
    response.headers[hdrs.VARY] = hdrs.ACCEPT
    return response


async def part(request: web.Request) -> web.Response:
    """Answer with a file of the page's."""
    file = BY_NAME.get(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    return _answer(request, file)


def wants_page(accept: str) -> bool:
    """Return whether an Accept header is a browser's that opens a page: HTML is its first wish."""
    return accept.partition(",")[0].partition(";")[0].strip().lower() == "text/html"


def _answer(request: web.Request, file: File) -> web.Response:
    known = {one.value for one in request.if_none_match or ()}
    if file.etag in known:
        response = web.Response(status=304, headers=HEADERS)
    else:
        response = web.Response(
            body=file.body, content_type=file.content_type, charset="utf-8", headers=HEADERS
        )
    response.etag = ETag(file.etag)
    return response
