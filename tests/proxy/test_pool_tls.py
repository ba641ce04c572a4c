"""HAProxy's TLS to members, with certificates from openssl, before fake members."""

import asyncio
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from whisper_proxy import pool_stats
from whisper_proxy.pool_stats import MemberState

from tests.ports import free_port
from voicemode_whisper.core.pool import Member, Pool, Tls

from .haproxy import needs_haproxy
from .pool import Haproxy

pytestmark = [pytest.mark.slow, needs_haproxy]


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def certificate(folder: Path, name: str, ca: str = "") -> None:
    """Make NAME.pem and its key beside it: signed by a CA, or by itself."""
    signer = ("-CA", f"{ca}.pem", "-CAkey", f"{ca}.pem.key") if ca else ()
    openssl(
        folder,
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", *signer),
        *("-keyout", f"{name}.pem.key", "-out", f"{name}.pem"),
    )


@pytest.fixture
async def folder(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    # As if loopback was a network.
    monkeypatch.setattr(Member, "is_local", False)
    with tempfile.TemporaryDirectory(prefix="pool-") as name:
        folder = Path(name)
        for authority in ("ca", "foreign"):
            certificate(folder, authority)
        certificate(folder, "gateway", "ca")
        yield folder


async def health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def member(folder: Path, certificate: str) -> TestServer:
    """Serve /health to who has a certificate from the CA."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / f"{certificate}.pem", folder / f"{certificate}.pem.key")
    app = web.Application()
    app.router.add_get("/health", health)
    server = TestServer(app)
    await server.start_server(ssl=context)
    return server


@pytest.mark.parametrize(
    ("name", "signed_by", "gateway", "state"),
    [
        ("m0", "ca", "gateway", "up"),
        ("m0", "foreign", "gateway", "down"),
        ("another", "ca", "gateway", "down"),
        ("m0", "ca", "foreign", "down"),
    ],
    ids=["each knows the other", "foreign", "another's name", "the gateway is foreign"],
)
async def test_a_member_is_known_by_its_certificate_and_knows_the_gateway(
    folder: Path, name: str, signed_by: str, gateway: str, state: MemberState
) -> None:
    certificate(folder, name, signed_by)
    server = await member(folder, name)
    pool = Pool(
        (Member("m0", "127.0.0.1", server.port or 0),),
        str(folder),
        stats_port=free_port(),
        tls=Tls(str(folder / "ca.pem"), str(folder / f"{gateway}.pem")),
    )
    haproxy = Haproxy(pool, folder)
    haproxy.start()
    try:
        await asyncio.to_thread(haproxy.wait_until_ready)
        await asyncio.sleep(1.5)  # until it was checked
        (found,) = await pool_stats.ask(pool.runtime_socket)
        assert found.state == state, found.problem
    finally:
        haproxy.kill()
        await server.close()
