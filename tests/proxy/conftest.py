"""A proxy in front of a fake whisper-server, both on loopback."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from whisper_proxy.app import create_app
from whisper_proxy.settings import Settings

from . import fake_whisper as fake
from .fake_whisper import FakeWhisper
from .samples import Client


@pytest.fixture
async def whisper() -> FakeWhisper:
    return FakeWhisper()


@pytest.fixture
async def whisper_server(whisper: FakeWhisper) -> AsyncIterator[TestServer]:
    # Test servers cancel the handler of a client that has gone, as both real ones do.
    async with TestServer(whisper.app()) as server:
        yield server


@pytest.fixture
def settings(whisper_server: TestServer) -> Settings:
    url = fake.address(whisper_server)
    return Settings(upstream=url, model="small", max_wait=1)


@pytest.fixture
async def proxy(settings: Settings) -> AsyncIterator[TestServer]:
    async with TestServer(create_app(settings)) as server:
        yield server


@pytest.fixture
async def client(proxy: TestServer) -> AsyncIterator[Client]:
    async with TestClient(proxy) as result:
        yield result
