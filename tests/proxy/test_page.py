"""What the server says of its page; tests/page has it in a browser."""

from dataclasses import replace

import pytest
from whisper_proxy.languages import LANGUAGES
from whisper_proxy.page import BY_NAME, FILES, PATHS, wants_page
from whisper_proxy.settings import Settings

from .samples import Client

# As Chromium, Firefox and Safari send it for a page.
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
TOOLS = ["*/*", "", "application/json", "application/json, text/html", "text/plain, text/html"]
FROM_A_LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


async def test_a_browser_gets_the_page(client: Client) -> None:
    async with client.get("/", headers=BROWSER) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert await response.read() == (FILES / "index.html").read_bytes()
        assert response.headers["Vary"] == "Accept, Origin"


@pytest.mark.parametrize("accept", TOOLS)
async def test_whoever_else_asks_gets_a_line(client: Client, accept: str) -> None:
    assert not wants_page(accept)
    async with client.get("/", headers={"Accept": accept}) as response:
        assert await response.text() == "whisper proxy: POST /v1/audio/transcriptions\n"
        assert response.headers["Vary"] == "Accept, Origin"


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_its_files_come_with_it(client: Client, path: str) -> None:
    file = BY_NAME[path.removeprefix("/page/")]
    async with client.get(path) as response:
        assert response.status == 200
        assert response.content_type == file.content_type
        assert await response.read() == file.body


async def test_there_are_no_others(client: Client) -> None:
    for path in ("/page/", "/page/x.js", "/page/..%2fapp.py", "/page/../app.py"):
        async with client.get(path) as response:
            assert response.status == 404
            assert (await response.json())["error"]["code"] == "unknown_url"


async def test_the_languages_are_whisper_s(client: Client) -> None:
    async with client.get("/page/languages.json") as response:
        assert await response.json() == LANGUAGES


@pytest.mark.parametrize("path", ["/", "/page/main.js"])
async def test_what_is_known_already_is_not_sent_again(client: Client, path: str) -> None:
    async with client.get(path, headers=BROWSER) as response:
        etag, length = response.headers["ETag"], response.headers["Content-Length"]
        assert response.headers["Cache-Control"] == "no-cache"
    async with client.get(path, headers=BROWSER | {"If-None-Match": etag}) as response:
        assert (response.status, await response.read()) == (304, b"")
        assert response.headers["ETag"] == etag
    async with client.get(path, headers=BROWSER | {"If-None-Match": '"old"'}) as response:
        assert response.status == 200
    async with client.head(path, headers=BROWSER) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, length)
        assert await response.read() == b""


@pytest.mark.parametrize("path", ["/", "/page/main.js", "/page/style.css"])
async def test_nothing_from_elsewhere_gets_in_and_nobody_frames_it(
    client: Client, path: str
) -> None:
    async with client.get(path, headers=BROWSER) as response:
        headers = response.headers
    policy = dict(one.split(" ", 1) for one in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "microphone=(self)" in headers["Permissions-Policy"]


def test_it_names_nothing_of_elsewhere() -> None:
    for name, file in BY_NAME.items():
        links = file.body.decode().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in links, name


async def test_a_link_from_elsewhere_leads_to_it(client: Client) -> None:
    visit = BROWSER | FROM_A_LINK | {"Sec-Fetch-Dest": "document"}
    async with client.get("/", headers=visit) as response:
        assert (response.status, response.content_type) == (200, "text/html")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {"Sec-Fetch-Dest": "iframe"}),
        ("/", {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "no-cors"}),
        ("/status", {"Sec-Fetch-Dest": "document"}),
        ("/page/main.js", {"Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors"}),
    ],
)
async def test_what_else_pages_from_elsewhere_ask_for_is_refused(
    client: Client, path: str, headers: dict[str, str]
) -> None:
    async with client.get(path, headers=BROWSER | FROM_A_LINK | headers) as response:
        assert response.status == 403


class TestSwitchedOff:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, page=0)

    async def test_there_is_none(self, client: Client) -> None:
        async with client.get("/", headers=BROWSER) as response:
            assert response.content_type == "text/plain"
        async with client.get("/page/main.js") as response:
            assert response.status == 404
