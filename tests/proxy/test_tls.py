"""TLS on the one port, with certificates that openssl has made."""

import asyncio
import json
import logging
import socket
import ssl
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from whisper_proxy import connections, file_stamp, listen, peer
from whisper_proxy.app import create_app
from whisper_proxy.connections import Connections
from whisper_proxy.keys import ENCRYPTION
from whisper_proxy.listen import Listener
from whisper_proxy.peer import is_this_machine
from whisper_proxy.server import new_protocol, set_up
from whisper_proxy.settings import Settings, SettingsError, load
from whisper_proxy.tls import READ_BYTES

from . import fake_whisper as fake
from .certificates import NAMES, Pair, authority, issued, with_password
from .samples import form

GET = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
MODELS = GET.replace(b"/health", b"/v1/models")
CONNECTIONS = 8


def own_address() -> str:
    """An address of this machine's own that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))  # sends nothing, but needs a route
        return str(probe.getsockname()[0])


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have who calls from that address count as another machine, of which there is none here."""
    monkeypatch.setattr(peer, "is_this_machine", lambda peer, _: peer.startswith("127."))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ca(folder: Path) -> Pair:
    return authority(folder)


@pytest.fixture(scope="module")
def server(folder: Path, ca: Pair) -> Pair:
    return issued(folder, ca, "server", f"{NAMES},IP:{own_address()}")


@pytest.fixture(scope="module")
def client_ca(folder: Path) -> Pair:
    return authority(folder, "client-ca")


@pytest.fixture
def settings(server: Pair) -> Settings:
    pair = {"tls_certificate": str(server.certificate), "tls_key": str(server.key)}
    return Settings(upstream="http://127.0.0.1:1", idle_timeout=2, **pair)


@dataclass(frozen=True)
class Running:
    """A proxy that is running, and what trusts its CA."""

    port: int
    app: web.Application
    trusted: ssl.SSLContext
    listener: Listener

    async def ask(
        self,
        data: bytes = GET,
        host: str = "127.0.0.1",
        tls: ssl.SSLContext | None = None,
    ) -> bytes:
        reader, writer = await asyncio.open_connection(host, self.port, ssl=tls)
        writer.write(data)
        try:
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()


Start = Callable[[Settings], Coroutine[Any, Any, Running]]


@pytest.fixture
async def start(ca: Pair, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Run a proxy on all addresses, as the process does."""
    monkeypatch.setattr(connections, "SWEEP_SECONDS", 0.1)

    async def run(settings: Settings) -> Running:
        app = create_app(settings)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=1)
        await set_up(runner, encrypted=bool(settings.tls))
        one = socket.create_server(("0.0.0.0", 0))
        open_ones = Connections(CONNECTIONS, settings.idle_timeout)
        listener = Listener(
            [one],
            lambda: new_protocol(runner, settings, open_ones),
            open_ones,
            app.get(ENCRYPTION),
        )
        port = one.getsockname()[1]
        listener.start()
        stack.push_async_callback(runner.cleanup)
        stack.push_async_callback(stopped, one, listener)
        return Running(port, app, trusting(ca), listener)

    async def stopped(one: socket.socket, listener: Listener) -> None:
        if one.fileno() >= 0:
            await listener.stop()

    async with AsyncExitStack() as stack:
        yield run


@pytest.fixture
async def proxy(start: Start, settings: Settings) -> Running:
    return await start(settings)


def trusting(ca: Pair, shown: Pair | None = None) -> ssl.SSLContext:
    """What a client trusts, and the certificate that it shows."""
    context = ssl.create_default_context(cafile=str(ca.certificate))
    if shown:
        context.load_cert_chain(shown.certificate, shown.key)
    return context


def status(answer: bytes) -> int:
    return int(answer[9:12])


def error(answer: bytes) -> dict[str, str]:
    found: dict[str, str] = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    return found


async def test_this_machine_may_call_either_way(proxy: Running) -> None:
    assert status(await proxy.ask()) == 200
    assert status(await proxy.ask(tls=proxy.trusted)) == 200


@pytest.mark.parametrize(
    ("caller", "called", "same"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.9", "192.0.2.1", True),
        ("::1", "::1", True),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", True),
        ("192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1", True),
        ("fe80::1", "fe80::1", True),
        ("192.0.2.2", "192.0.2.1", False),
        ("::ffff:192.0.2.2", "::ffff:192.0.2.1", False),
        ("", "", False),
    ],
)
def test_who_counts_as_this_machine(caller: str, called: str, same: bool) -> None:
    assert is_this_machine(caller, called) is same


async def test_others_call_encrypted(proxy: Running) -> None:
    assert status(await proxy.ask(host=own_address(), tls=proxy.trusted)) == 200


async def test_a_plain_call_from_elsewhere_is_told_where_to_call(proxy: Running) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: stt.test:%d\r\n\r\n" % proxy.port
    answer = await proxy.ask(request, own_address())
    assert status(answer) == 400
    assert error(answer)["code"] == "tls_required"
    assert f"call https://stt.test:{proxy.port}." in error(answer)["message"]


async def test_a_browser_that_comes_without_tls_is_sent_to_the_page(proxy: Running) -> None:
    request = b"GET / HTTP/1.1\r\nHost: stt.test:%d\r\nAccept: text/html,*/*\r\n\r\n" % proxy.port
    answer = await proxy.ask(request, own_address())
    assert status(answer) == 307
    assert f"\r\nLocation: https://stt.test:{proxy.port}/\r\n".encode() in answer


async def test_a_plain_upload_from_elsewhere_is_told_so_before_it_is_sent(proxy: Running) -> None:
    head = b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n"
    reader, writer = await asyncio.open_connection(own_address(), proxy.port)
    writer.write(head)
    answer = await asyncio.wait_for(reader.readuntil(b"}}"), 1)
    assert error(answer)["code"] == "tls_required"
    writer.close()


async def test_what_is_no_host_is_not_sent_back(proxy: Running) -> None:
    answer = await proxy.ask(b"GET / HTTP/1.1\r\nHost: <b>\r\n\r\n", own_address())
    assert f"call https://{own_address()}." in error(answer)["message"]


async def test_older_versions_of_tls_are_refused(
    proxy: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    old = proxy.trusted
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="alert protocol version"):
        await proxy.ask(tls=old)
    await asyncio.sleep(0.05)
    assert caplog.messages == ["no TLS with 127.0.0.1: unsupported protocol"]


async def test_own_pages_are_allowed_over_https(proxy: Running) -> None:
    page = MODELS.replace(b"Host: localhost", b"Host: localhost\r\nOrigin: https://localhost:2023")
    answer = await proxy.ask(page, tls=proxy.trusted)
    assert status(answer) == 200
    assert b"Access-Control-Allow-Origin: https://localhost:2023" in answer


async def test_the_log_says_why_a_client_gave_up(
    proxy: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.to_thread(shake_hands, proxy.port, ssl.create_default_context())
    await asyncio.sleep(0.05)
    assert caplog.messages == ["no TLS with 127.0.0.1: the client says alert unknown ca"]


async def test_the_log_says_that_a_client_sees_it_expired(
    start: Start, settings: Settings, folder: Path, ca: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    old = issued(folder, ca, "old", days=-1)
    pair = {"tls_certificate": str(old.certificate), "tls_key": str(old.key)}
    proxy = await start(replace(settings, **pair))
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        await asyncio.to_thread(shake_hands, proxy.port, proxy.trusted)
    await asyncio.sleep(0.05)
    assert caplog.messages == ["no TLS with 127.0.0.1: the client says alert certificate expired"]


def shake_hands(port: int, context: ssl.SSLContext) -> None:
    """As clients do that are not asyncio's, which does not tell the server why it gives up."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as connection,
        context.wrap_socket(connection, server_hostname="localhost"),
    ):
        pass


@pytest.mark.parametrize("junk", [b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b""])
async def test_a_handshake_that_does_not_go_on_is_cut_off(proxy: Running, junk: bytes) -> None:
    assert await proxy.ask(junk) == b""


async def test_junk_instead_of_a_handshake_is_one_line(
    proxy: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"\x16\x03\x01\x00\x05hello")
    assert (await asyncio.wait_for(reader.read(99), 1)).startswith(b"\x15")  # an alert of TLS
    writer.close()
    await asyncio.sleep(0.05)
    (line,) = caplog.messages
    assert line.startswith("no TLS with 127.0.0.1: ")


async def silent(port: int, count: int, data: bytes) -> list[tuple[StreamReader, StreamWriter]]:
    made = []
    for _ in range(count):
        made.append(await asyncio.open_connection("127.0.0.1", port))
        made[-1][1].write(data)
    return made


@pytest.mark.parametrize("data", [b"", b"\x16\x03\x01"])
async def test_handshakes_that_stall_make_room(
    start: Start, settings: Settings, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listen, "STALLED_SECONDS", 0.1)
    monkeypatch.setattr(listen, "ACCEPT_RETRY_SECONDS", 0.1)
    proxy = await start(replace(settings, idle_timeout=30))
    flood = await silent(proxy.port, 5 * CONNECTIONS, data)
    try:
        async with asyncio.timeout(5):
            answers = [await proxy.ask(tls=proxy.trusted) for _ in range(3)]
        assert [status(answer) for answer in answers] == [200] * 3
    finally:
        for _, writer in flood:
            writer.close()


async def test_a_connection_that_is_open_outlives_a_flood(start: Start, settings: Settings) -> None:
    """What stalls goes before what is idle."""
    proxy = await start(replace(settings, idle_timeout=30))
    keep = GET.replace(b"Connection: close\r\n", b"")
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, ssl=proxy.trusted)
    writer.write(keep)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
    flood = await silent(proxy.port, CONNECTIONS - 2, b"")
    await asyncio.sleep(1.5 * listen.STALLED_SECONDS)
    flood += await silent(proxy.port, CONNECTIONS - 2, b"")
    await asyncio.sleep(0.1)
    writer.write(keep)
    assert status(await reader.readuntil(b"\r\n\r\n")) == 200
    for _, one in [*flood, (reader, writer)]:
        one.close()


async def test_a_handshake_that_is_under_way_outlives_a_stop(proxy: Running) -> None:
    quiet = await silent(proxy.port, 1, b"")
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = proxy.trusted.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(hello[:1])
    await asyncio.sleep(0.1)
    stopping = asyncio.create_task(proxy.listener.stop())
    await asyncio.sleep(0.5)
    assert await asyncio.wait_for(quiet[0][0].read(), 0.1) == b""
    writer.write(hello[1:])
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            incoming.write(await reader.read(65536))
    tls.write(GET)
    writer.write(outgoing.read())
    incoming.write(await asyncio.wait_for(reader.read(65536), 1))
    await asyncio.wait_for(stopping, 1)
    with suppress(ssl.SSLWantReadError):  # tickets may come first
        assert status(tls.read(65536)) == 200
    writer.close()
    quiet[0][1].close()


@pytest.mark.parametrize("seconds", [0.0, 0.05])
async def test_asyncio_reads_as_much_as_it_is_told(
    proxy: Running, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """The size is an attribute of its protocol: this would show that it no longer is."""
    taken: list[int] = []

    class Reader(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            taken.append(len(data))

    encryption = proxy.app[ENCRYPTION]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        writing = asyncio.create_task(
            asyncio.open_connection(*listening.getsockname(), ssl=proxy.trusted)
        )
        await asyncio.sleep(0.05)
        accepted, _ = listening.accept()
        accepted.setblocking(False)
        await encryption.begin(accepted, "127.0.0.1", Reader, lambda: None)
        _, writer = await writing
        writer.write(bytes(10 * READ_BYTES))
        await asyncio.sleep(0.3)
        writer.close()
    assert sum(taken) == 10 * READ_BYTES
    assert max(taken) <= READ_BYTES + 16384  # the record before may have been cut


# --- Clients' certificates ---


@pytest.fixture
def closed(settings: Settings, client_ca: Pair) -> Settings:
    return replace(settings, client_ca=str(client_ca.certificate))


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    file = tmp_path / "key"
    file.write_text("secret")
    file.chmod(0o600)
    return str(file)


async def test_a_client_with_a_certificate_is_admitted(
    start: Start, closed: Settings, folder: Path, ca: Pair, client_ca: Pair
) -> None:
    shown = issued(folder, client_ca, "gateway", usage="clientAuth")
    proxy = await start(closed)
    answer = await proxy.ask(MODELS, own_address(), trusting(ca, shown))
    assert status(answer) == 200


async def test_a_client_without_one_is_told_what_is_missing(start: Start, closed: Settings) -> None:
    proxy = await start(closed)
    answer = await proxy.ask(MODELS, own_address(), proxy.trusted)
    assert (status(answer), error(answer)["code"]) == (403, "client_certificate_required")
    assert status(await proxy.ask(GET, own_address(), proxy.trusted)) == 200  # /health is open
    assert status(await proxy.ask(MODELS)) == 200  # from this machine itself


async def test_the_key_stands_in_for_a_certificate(
    start: Start, closed: Settings, key_file: str, folder: Path, ca: Pair, client_ca: Pair
) -> None:
    proxy = await start(replace(closed, api_key_file=key_file))
    answer = await proxy.ask(MODELS, own_address(), proxy.trusted)
    assert (status(answer), error(answer)["code"]) == (401, "invalid_api_key")
    keyed = MODELS.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer secret\r\n\r\n")
    assert status(await proxy.ask(keyed, own_address(), proxy.trusted)) == 200
    shown = issued(folder, client_ca, "without-key", usage="clientAuth")
    assert status(await proxy.ask(MODELS, own_address(), trusting(ca, shown))) == 200
    assert status(await proxy.ask(MODELS)) == 401  # as before, on this machine too


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("case", "client_sees", "log_says"),
    [
        ("foreign", "alert unknown ca", "unable to get local issuer certificate"),
        ("expired", "alert certificate expired", "certificate has expired"),
        ("a server's", "alert unsupported certificate", "unsuitable certificate purpose"),
    ],
)
async def test_a_certificate_that_is_refused_is_named(
    start: Start,
    closed: Settings,
    folder: Path,
    ca: Pair,
    client_ca: Pair,
    case: str,
    client_sees: str,
    log_says: str,
    version: ssl.TLSVersion,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    shown = {
        "foreign": lambda: issued(folder, authority(folder, "x"), "foreign", usage="clientAuth"),
        "expired": lambda: issued(folder, client_ca, "expired", usage="clientAuth", days=-1),
        "a server's": lambda: issued(folder, client_ca, "wrong"),
    }[case]()
    proxy = await start(closed)
    context = trusting(ca, shown)
    context.maximum_version = version
    with pytest.raises(ssl.SSLError, match=client_sees):
        await proxy.ask(MODELS, own_address(), context)
    await asyncio.sleep(0.05)
    (line,) = caplog.messages
    assert line == f"no TLS with {own_address()}: the client's certificate is refused: {log_says}"


# --- Renewal ---


@pytest.fixture
def renewable(settings: Settings, server: Pair, tmp_path: Path) -> tuple[Settings, Pair]:
    live = Pair(tmp_path / "live.pem", tmp_path / "live.key")
    put(server, live)
    pair = {"tls_certificate": str(live.certificate), "tls_key": str(live.key)}
    return replace(settings, **pair), live


def put(new: Pair, live: Pair) -> None:
    """Put files in the place of others, each at once."""
    for source, target in ((new.certificate, live.certificate), (new.key, live.key)):
        beside = target.with_suffix(".new")
        beside.write_bytes(source.read_bytes())
        beside.rename(target)


async def shown(proxy: Running) -> str:
    """The common name of the certificate that a new connection gets."""
    _, writer = await asyncio.open_connection("127.0.0.1", proxy.port, ssl=proxy.trusted)
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return str(certificate["subject"][0][0][1])


async def test_a_renewed_certificate_is_taken_and_no_request_lost(
    start: Start,
    renewable: tuple[Settings, Pair],
    folder: Path,
    ca: Pair,
    whisper_server: TestServer,
) -> None:
    settings, live = renewable
    proxy = await start(replace(settings, upstream=fake.address(whisper_server)))
    renewed = [issued(folder, ca, f"renewed-{number}") for number in range(4)]
    url = f"https://localhost:{proxy.port}/v1/audio/transcriptions"
    asked = 0

    async def ask_on(fresh: bool) -> None:
        nonlocal asked
        connector = aiohttp.TCPConnector(ssl=proxy.trusted, force_close=fresh)
        async with aiohttp.ClientSession(connector=connector) as session:
            while not done.is_set():
                async with session.post(url, data=form()) as response:
                    assert response.status == 200
                    assert fake.TEXT in await response.text()
                    asked += 1

    done = asyncio.Event()
    asking = [asyncio.create_task(ask_on(fresh)) for fresh in (True, False, True)]
    for pair in renewed:
        await asyncio.sleep(0.2)
        put(pair, live)
        await asyncio.sleep(0.05)
        assert await shown(proxy) == pair.certificate.stem
    done.set()
    await asyncio.gather(*asking)
    assert asked > len(renewed)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda live: live.key.unlink(), "live.key cannot be read: No such file or directory"),
        (lambda live: live.certificate.write_text("x"), "live.pem holds no certificate in PEM"),
        (lambda live: live.key.write_text("x"), "live.key holds no private key in PEM"),
    ],
)
async def test_broken_files_leave_the_certificate_of_before(
    start: Start,
    renewable: tuple[Settings, Pair],
    server: Pair,
    spoil: Callable[[Pair], None],
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings, live = renewable
    proxy = await start(settings)
    spoil(live)
    for _ in range(2):
        assert await shown(proxy) == "server"
        health = json.loads((await proxy.ask()).partition(b"\r\n\r\n")[2])
        assert health["broken"] == ["certificate"]
    (line,) = (one for one in caplog.messages if "certificate" in one)
    assert line == f"the certificate of before stays in use: {live.key.parent}/{said}"
    put(server, live)
    health = json.loads((await proxy.ask()).partition(b"\r\n\r\n")[2])
    assert health["broken"] == []


async def test_files_that_have_not_changed_are_not_read_again(
    start: Start, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_stamp, "SETTLED_NS", -1)
    proxy = await start(settings)
    assert await shown(proxy) == "server"
    monkeypatch.setattr("whisper_proxy.tls.load_context", None)
    assert await shown(proxy) == "server"


# --- Settings ---


def test_what_tls_needs_is_asked_for(server: Pair) -> None:
    certificate, key = str(server.certificate), str(server.key)
    for flags, said in (
        ({"tls_certificate": certificate}, "_TLS_CERTIFICATE is given, but WHISPER_PROXY_TLS_KEY"),
        ({"tls_key": key}, "WHISPER_PROXY_TLS_KEY is given, but WHISPER_PROXY_TLS_CERTIFICATE"),
        ({"client_ca": certificate}, "over TLS alone"),
    ):
        with pytest.raises(SettingsError, match=said):
            load(flags, {})


def test_files_may_be_named_from_where_it_is_started(
    server: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = server.key.parent / "beside"
    beside.mkdir()
    monkeypatch.chdir(beside)
    found = load({"tls_certificate": "../server.pem", "tls_key": "../server.key"}, {})
    assert (found.tls_certificate, found.tls_key) == (str(server.certificate), str(server.key))


def test_one_file_may_hold_both(server: Pair, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text(server.key.read_text() + server.certificate.read_text())
    assert load({"tls_certificate": str(both), "tls_key": str(both)}, {}).tls


def test_files_that_cannot_be_used_are_one_line(
    server: Pair, ca: Pair, folder: Path, tmp_path: Path
) -> None:
    junk = tmp_path / "junk"
    junk.write_text("junk")
    encrypted = tmp_path / "encrypted.key"
    with_password(server.key, encrypted)
    half = tmp_path / "half.pem"
    half.write_text(server.certificate.read_text()[:200])
    good = {"tls_certificate": str(server.certificate), "tls_key": str(server.key)}
    for changed, said in (
        ({"tls_key": str(ca.key)}, "is not that of the certificate in"),
        ({"tls_key": "/none"}, "/none cannot be read: No such file"),
        ({"tls_key": str(encrypted)}, "the key is encrypted with a password"),
        ({"tls_certificate": str(half)}, "half.pem.* cannot be used: "),
        ({"tls_certificate": str(junk)}, "junk holds no certificate in PEM"),
        ({"tls_certificate": str(server.key)}, "server.key holds no certificate in PEM"),
        ({"client_ca": str(junk)}, "junk holds no certificate in PEM"),
    ):
        with pytest.raises(SettingsError, match=said) as caught:
            load({**good, **changed}, {})
        assert "\n" not in str(caught.value)
