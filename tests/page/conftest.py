"""The page before the real proxy, in a real browser. What it transcribes with is a fake."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.proxy import processes
from tests.proxy.processes import Proxy
from tests.proxy.samples import silence

from . import browser as browsers
from .whisper import Whisper, answer, whisper

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# A name of another machine, which a browser gives no microphone over plain HTTP.
ELSEWHERE = "server.lan"


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    # No longer than the module: an event loop runs as long, and tests of others have their own.
    with browsers.chromium(
        f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
        "--use-fake-device-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
    ) as running:
        yield running


@pytest.fixture(scope="module")
def running_whisper() -> Iterator[Whisper]:
    with whisper() as running:
        yield running


@pytest.fixture
def fake(running_whisper: Whisper) -> Whisper:
    """The fake whisper-server, as it is at first."""
    running_whisper.fake.seconds, running_whisper.fake.error = 0.0, None
    running_whisper.fake.answer = answer()
    return running_whisper


@pytest.fixture(scope="module")
def shared_proxy(
    running_whisper: Whisper, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """A proxy with a card, for tests that need no other settings."""
    flags = ("--model", "small", "--backend", "hip", "--names", ELSEWHERE)
    flags += (
        "--device",
        "AMD Radeon RX 7800 XT (gfx1101, 16 GiB, 0000:03:00.0)",
        "--max-upload",
        "1",
    )
    with processes.proxy(running_whisper.url, tmp_path_factory.mktemp("proxy"), flags) as running:
        yield running


@pytest.fixture
def url(fake: Whisper, shared_proxy: Proxy) -> str:
    return shared_proxy.url


@pytest.fixture
def page(browser: "Browser", url: str) -> Iterator["Page"]:
    with browsers.opened(browser, url) as found:
        yield found


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Four seconds that the browser can play, of which the fake says what is spoken."""
    file = tmp_path / "speech.wav"
    file.write_bytes(silence(4))
    return file
