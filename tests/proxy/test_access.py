import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import hdrs
from aiohttp.test_utils import TestServer
from whisper_proxy.settings import Settings

from . import raw
from .fake_whisper import FakeWhisper
from .samples import Client, form

PATH = "/v1/audio/transcriptions"
KEY = "sk-local"
PREFLIGHT = {
    hdrs.ORIGIN: "https://chat.lan",
    hdrs.ACCESS_CONTROL_REQUEST_METHOD: "POST",
    hdrs.ACCESS_CONTROL_REQUEST_HEADERS: "authorization,x-stainless-lang",
}


async def test_without_a_configured_key_any_is_accepted(client: Client) -> None:
    async with client.get("/v1/models", headers={"Authorization": "Bearer any"}) as response:
        assert response.status == 200


STRANGERS = [
    {"Origin": "https://evil.example"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://evil.example#localhost"},
    {"Origin": "http://localhost@evil.example"},
    {"Origin": "http://intranet"},
    {"Origin": "http://8.8.8.8"},
    {"Origin": "chrome-extension://localhost"},
    {"Origin": "file://"},
    {"Origin": "http://localhost, https://evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "Cross-Site", "Origin": ""},
]
OWN_PAGES = [
    "http://localhost",
    "http://LOCALHOST:3000",
    "https://app.localhost",
    "http://127.0.0.1:8080",
    "http://127.8.9.1",
    "http://[::1]:8080",
    f"http://{socket.gethostname()}:8080",
    f"http://{socket.gethostname().partition('.')[0]}.local",
]
OTHER_HOSTS = [
    "evil.example",
    "evil.example:2023",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "8.8.8.8:2023",
    "[2001:db8::1]:2023",
    "a@localhost",
    "localhost/evil.example",
    "localhost:2023:1",
    "evil\xe9.example",
]
OWN_HOSTS = [
    "localhost",
    "LocalHost:2023",
    "localhost.",
    "localhost.:2023",
    "stt.localhost",
    "127.0.0.1:2023",
    "127.255.0.1",
    "0.0.0.0:2023",
    "[::1]:2023",
    "[::ffff:127.0.0.1]",
    "[::1%25lo]:2023",
    "x",
    socket.gethostname(),
    f"{socket.gethostname().partition('.')[0]}.local:2023",
    "",
]


def refused_code(answer: dict[str, dict[str, str]]) -> str:
    assert answer["error"]["type"] == "invalid_request_error"
    return answer["error"]["code"]


async def _models(client: Client, key: str) -> int:
    headers = {"Authorization": f"Bearer {key}"}
    async with client.get("/v1/models", headers=headers) as response:
        return response.status


class TestPages:
    @pytest.mark.parametrize("headers", STRANGERS, ids=str)
    @pytest.mark.parametrize("path", ["/", "/health", "/metrics", "/v1/models", "/nowhere"])
    async def test_nobody_s_page_reads(
        self, client: Client, path: str, headers: dict[str, str]
    ) -> None:
        async with client.get(path, headers=headers) as response:
            assert response.status == 403
            assert "Access-Control-Allow-Origin" not in response.headers
            assert response.headers["Vary"] == "Origin"
            answer = await response.json()
        assert refused_code(answer) == "origin_not_allowed"
        assert "WHISPER_PROXY_CORS_ORIGINS" in answer["error"]["message"]

    async def test_nobody_s_page_transcribes(self, client: Client, whisper: FakeWhisper) -> None:
        for headers in STRANGERS:
            async with client.post(PATH, data=form(), headers=headers) as response:
                assert response.status == 403
        assert "/inference" not in whisper.paths

    async def test_nobody_s_preflight_is_answered(self, client: Client) -> None:
        async with client.options(PATH, headers=PREFLIGHT) as response:
            assert response.status == 403
            assert "Access-Control-Allow-Origin" not in response.headers

    @pytest.mark.parametrize("origin", OWN_PAGES)
    async def test_pages_of_the_host_may(self, client: Client, origin: str) -> None:
        headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        async with client.post(PATH, data=form(), headers=headers) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == origin

    @pytest.mark.parametrize("site", ["none", "same-origin", "same-site"])
    async def test_who_types_the_address_may(self, client: Client, site: str) -> None:
        async with client.get("/health", headers={"Sec-Fetch-Site": site}) as response:
            assert response.status == 200


class TestHosts:
    @pytest.mark.parametrize("host", OTHER_HOSTS)
    @pytest.mark.parametrize("path", ["/", "/health", "/v1/models"])
    async def test_a_name_of_somebody_else_s_is_refused(
        self, client: Client, path: str, host: str
    ) -> None:
        async with client.get(path, headers={"Host": host}) as response:
            assert response.status == 403
            answer = await response.json()
        assert refused_code(answer) == "unknown_host"
        assert "WHISPER_PROXY_NAMES" in answer["error"]["message"]

    @pytest.mark.parametrize("host", OWN_HOSTS)
    async def test_the_host_s_own_names_are_not(self, client: Client, host: str) -> None:
        async with client.get("/health", headers={"Host": host}) as response:
            assert response.status == 200

    async def test_a_rebound_page_is_refused_though_of_the_same_origin(
        self, client: Client
    ) -> None:
        headers = {
            "Host": "evil.example",
            "Origin": "http://evil.example",
            "Sec-Fetch-Site": "same-origin",
        }
        async with client.post(PATH, data=form(), headers=headers) as response:
            assert response.status == 403

    async def test_a_page_of_a_name_without_a_dot_is_refused(self, client: Client) -> None:
        headers = {"Host": "evil", "Origin": "http://evil", "Sec-Fetch-Site": "same-origin"}
        async with client.post(PATH, data=form(), headers=headers) as response:
            assert response.status == 403

    @pytest.mark.parametrize(
        ("request_lines", "status"),
        [
            ("GET /health HTTP/1.0", 200),
            ("GET http://127.0.0.1/health HTTP/1.1\r\nHost: 127.0.0.1", 200),
            ("GET http://[::1]:2023/health HTTP/1.1\r\nHost: [::1]", 200),
            ("GET http://evil.example/health HTTP/1.1\r\nHost: 127.0.0.1", 403),
            ("GET http://127.0.0.1/health HTTP/1.1\r\nHost: evil.example", 403),
        ],
    )
    async def test_the_target_counts_too(
        self, proxy: TestServer, request_lines: str, status: int
    ) -> None:
        (answer,) = await asyncio.to_thread(_exchange, proxy, request_lines)
        assert answer.status == status

    @pytest.mark.parametrize("hosts", [("127.0.0.1", "evil.example"), ("evil.example", "x")])
    async def test_one_of_several_is_enough_to_be_refused(
        self, proxy: TestServer, hosts: tuple[str, str]
    ) -> None:
        lines = "GET /health HTTP/1.1" + "".join(f"\r\nHost: {host}" for host in hosts)
        (answer,) = await asyncio.to_thread(_exchange, proxy, lines)
        assert answer.status in (400, 403)


def _exchange(proxy: TestServer, lines: str) -> list[raw.Answer]:
    request = f"{lines}\r\nConnection: close\r\n\r\n"
    return raw.exchange(("127.0.0.1", proxy.port or 0), request.encode())


class TestNames:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, host="box.lan", names=("stt.example.org", "203.0.113.9"))

    @pytest.mark.parametrize("host", ["STT.example.org.", "203.0.113.9:2023", "box.lan"])
    async def test_names_that_are_given_count(self, client: Client, host: str) -> None:
        headers = {"Host": host, "Origin": f"https://{host.lower().rstrip('.')}"}
        async with client.get("/health", headers=headers) as response:
            assert response.status == 200


class TestEveryPage:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, cors_origins=("*",))

    @pytest.mark.parametrize("headers", STRANGERS, ids=str)
    async def test_an_asterisk_lets_every_page(
        self, client: Client, headers: dict[str, str]
    ) -> None:
        async with client.get("/v1/models", headers=headers) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    file.chmod(0o600)
    return file


class TestKey:
    @pytest.fixture
    def settings(self, settings: Settings, key_file: Path) -> Settings:
        return replace(settings, api_key_file=str(key_file))

    async def test_a_new_key_counts_at_once_and_alone(self, client: Client, key_file: Path) -> None:
        for key, former in [("one", KEY), ("two", "one"), ("six", "two")]:
            key_file.write_text(key)
            assert [await _models(client, sent) for sent in (former, key)] == [401, 200]

    async def test_a_key_file_that_is_gone_lets_nobody_in(
        self, client: Client, key_file: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        kept = key_file.rename(key_file.with_suffix(".kept"))
        for _ in range(2):
            assert await _models(client, KEY) == 503
        (error,) = [line for line in caplog.messages if "nobody is let in" in line]
        assert str(key_file) in error
        async with client.get("/health") as response:
            assert response.status == 200
        kept.rename(key_file)
        assert await _models(client, KEY) == 200

    @pytest.mark.parametrize("content", ["", "two words", "a\nb"])
    async def test_a_file_without_a_key_lets_nobody_in(
        self, client: Client, key_file: Path, content: str
    ) -> None:
        key_file.write_text(content)
        for key in (KEY, "", content):
            assert await _models(client, key.replace("\n", "")) == 503

    @pytest.mark.parametrize("path", ["/", "/health"])
    async def test_liveness_needs_no_key(self, client: Client, path: str) -> None:
        async with client.get(path) as response:
            assert response.status == 200

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
    async def test_the_key_opens(self, client: Client, scheme: str) -> None:
        headers = {"Authorization": f"{scheme} {KEY}"}
        async with client.post(PATH, data=form(), headers=headers) as response:
            assert response.status == 200

    @pytest.mark.parametrize(
        "sent", [None, "", KEY, f"Basic {KEY}", "Bearer", "Bearer sk-loca", "Bearer ü"]
    )
    @pytest.mark.parametrize("path", ["/v1/models", "/metrics", "/nowhere"])
    async def test_all_else_is_a_401(self, client: Client, path: str, sent: str | None) -> None:
        headers = {} if sent is None else {"Authorization": sent}
        async with client.get(path, headers=headers) as response:
            assert response.status == 401
            assert response.headers["WWW-Authenticate"] == "Bearer"
            error = (await response.json())["error"]
        assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
        assert KEY not in error["message"]


class TestOrigin:
    @pytest.fixture
    def settings(self, settings: Settings, key_file: Path) -> Settings:
        origins = ("https://chat.lan", "app://obsidian.md")
        return replace(settings, cors_origins=origins, api_key_file=str(key_file))

    async def test_a_preflight_is_answered_without_a_key(self, client: Client) -> None:
        async with client.options(PATH, headers=PREFLIGHT) as response:
            assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "https://chat.lan"
        assert response.headers["Access-Control-Allow-Headers"] == "authorization,x-stainless-lang"
        assert response.headers["Access-Control-Allow-Methods"] == "GET, POST"
        assert response.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Private-Network" not in response.headers

    async def test_a_public_page_may_ask_for_the_private_network(self, client: Client) -> None:
        headers = PREFLIGHT | {
            "Origin": "app://obsidian.md",
            "Access-Control-Request-Private-Network": "true",
        }
        async with client.options(PATH, headers=headers) as response:
            assert response.status == 204
        assert response.headers["Access-Control-Allow-Private-Network"] == "true"
        assert response.headers["Access-Control-Allow-Origin"] == "app://obsidian.md"

    @pytest.mark.parametrize("odd", [b"x\xff\xfe", b"x\t(y)", b'"', b""])
    async def test_no_byte_breaks_the_answer_to_a_preflight(
        self, proxy: TestServer, odd: bytes
    ) -> None:
        request = (
            b"OPTIONS /v1/models HTTP/1.1\r\nHost: x\r\nOrigin: https://chat.lan\r\n"
            b"Access-Control-Request-Method: POST\r\nConnection: close\r\n"
            b"Access-Control-Request-Headers: " + odd + b"\r\n\r\n"
        )
        address = ("127.0.0.1", proxy.port or 0)
        (answer,) = await asyncio.to_thread(raw.exchange, address, request)
        assert answer.status == 204
        assert "access-control-allow-headers" not in answer.headers

    async def test_the_page_may_read_answers_and_errors(self, client: Client) -> None:
        async with client.get("/v1/models", headers={"Origin": "https://chat.lan"}) as response:
            assert response.status == 401
            assert response.headers["Access-Control-Allow-Origin"] == "https://chat.lan"

    async def test_another_page_may_not(self, client: Client) -> None:
        headers = PREFLIGHT | {"Origin": "https://evil.lan"}
        async with client.options(PATH, headers=headers) as response:
            assert response.status == 403
            assert "Access-Control-Allow-Origin" not in response.headers
