"""Malformed recordings to the real process: a sample of 100, or as many as FUZZ_AUDIO says."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from . import processes, raw
from .malformed import whole
from .malformed_audio import recordings
from .processes import Proxy
from .raw import end, part

pytestmark = pytest.mark.slow

COUNT = int(os.environ.get("FUZZ_AUDIO") or 100)
CLIENTS = 4
HEALTH_SECONDS = 1.0
ALLOWED = {200, 400, 413}


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with processes.whisper() as whisper, processes.proxy(whisper.url, tmp_path) as running:
        yield running


def status(proxy: Proxy, content: bytes) -> int:
    """Send a recording and return the status of the answer."""
    request, _ = whole(part(b"file", content, filename=b"a.mp3") + end())
    (answer,) = raw.exchange((proxy.host, proxy.port), request)
    return answer.status


def check_health(proxy: Proxy) -> None:
    started = time.monotonic()
    (health,) = raw.exchange((proxy.host, proxy.port), raw.get("/health"))
    assert health.status == 200
    assert time.monotonic() - started < HEALTH_SECONDS


def test_malformed_recordings_do_no_harm(proxy: Proxy) -> None:
    with ThreadPoolExecutor(CLIENTS) as clients:
        found = Counter(clients.map(lambda content: status(proxy, content), recordings(COUNT)))
    print(f"{COUNT} malformed recordings, answers by status: {dict(sorted(found.items()))}")
    assert set(found) <= ALLOWED
    assert found[200] > COUNT / 10  # what can be heard is
    assert found[400] > COUNT / 10  # otherwise they are hardly malformed
    check_health(proxy)
    proxy.check_nothing_is_left()
    unexpected = proxy.unexpected_lines()
    assert not unexpected, "\n".join(unexpected)
