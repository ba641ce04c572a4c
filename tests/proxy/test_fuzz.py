"""Twenty thousand malformed requests to the real process, over bare sockets.

`make fuzz` sends all, `make test` a tenth. Each strategy sends the same requests in every run, so
failures are reproducible.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from . import malformed, malformed_http, processes, raw
from .echo_whisper import transcript
from .malformed import Strategy
from .processes import Proxy

pytestmark = pytest.mark.slow

HEALTH_SECONDS = 1.0
# No 502 or 504, which stand for failures of whisper-server: the fake does not fail.
SERVER_ERRORS_ALLOWED = {503}
TOTAL = 20_000
SHARE = 1 if os.environ.get("FUZZ_CASES") == "all" else 10

# Strategies, and how many requests each sends: 20,000 in total.
PLAN: tuple[tuple[Callable[[], Strategy], int], ...] = (
    (malformed.odd_fields, 3200),
    (malformed.odd_parts, 2800),
    (malformed.many_parts, 1200),
    (malformed.odd_boundaries, 1600),
    (malformed.broken_bodies, 2800),
    (malformed_http.cut_requests, 1600),
    (malformed_http.bad_chunks, 1800),
    (malformed_http.overlong, 400),
    (malformed.junk_audio, 400),  # ffmpeg has to look at each of these
    (malformed.broken_wav, 400),
    (malformed_http.odd_heads, 2000),
    (malformed_http.pipelined, 900),
    (malformed_http.not_http, 900),
)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with (
        processes.whisper() as whisper,
        processes.proxy(whisper.url, tmp_path_factory.mktemp("fuzz")) as running,
    ):
        yield running


def good_request() -> bytes:
    return malformed.whole(malformed.speech())[0]


def check(answer: raw.Answer) -> None:
    """The answer is not a failure of the proxy, and errors have OpenAI's form."""
    assert answer.status < 500 or answer.status in SERVER_ERRORS_ALLOWED
    if answer.status >= 400 and len(answer.body) == answer.length > 0:
        error = answer.json["error"]
        assert isinstance(error, dict)
        assert set(error) == {"message", "type", "param", "code"}
        assert answer.headers["x-request-id"].startswith("req_")


def check_healthy(proxy: Proxy) -> None:
    """The process runs, answers quickly, still transcribes, and logged nothing unexpected."""
    address = (proxy.host, proxy.port)
    assert proxy.alive
    started = time.monotonic()
    (health,) = raw.exchange(address, raw.get("/health"))
    assert time.monotonic() - started < HEALTH_SECONDS
    assert health.status == 200
    (good,) = raw.exchange(address, good_request())
    assert (good.status, good.json["text"]) == (200, transcript(malformed.SPEECH))
    unexpected = proxy.unexpected_lines()
    assert not unexpected, "\n".join(unexpected)


def fuzz(proxy: Proxy, strategy: Strategy, count: int) -> Counter[int]:
    """Send this many distinct requests and count the statuses (0: no answer)."""
    statuses: Counter[int] = Counter()
    passed: set[bytes] = set()

    @settings(
        max_examples=2 * count,  # some are duplicates
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def send(request: malformed.Request) -> None:
        data, whole = request
        if data in passed or len(passed) == count:
            return
        found = raw.exchange((proxy.host, proxy.port), data, whole=whole)
        assert found or not whole
        for answer in found:
            check(answer)
        statuses.update([answer.status for answer in found] or [0])
        passed.add(data)

    send()
    assert len(passed) == count
    return statuses


def test_the_plan_is_of_20000() -> None:
    assert sum(count for _, count in PLAN) == TOTAL


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("strategy", "count"),
    [pytest.param(make(), count // SHARE, id=make.__name__) for make, count in PLAN],
)
def test_malformed_requests_do_no_harm(proxy: Proxy, strategy: Strategy, count: int) -> None:
    statuses = fuzz(proxy, strategy, count)
    print(f"{count} requests, answers by status: {dict(sorted(statuses.items()))}")
    check_healthy(proxy)


def test_they_leave_nothing_behind(proxy: Proxy) -> None:
    """Runs last."""
    proxy.check_nothing_is_left()
