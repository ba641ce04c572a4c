import sys
from collections.abc import Iterator

import pytest

from bench import load
from bench.measure import started, upstream
from bench.processes import Launch
from bench.requests import transcription

REQUEST = transcription(b"audio")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with upstream(tmp_path_factory.mktemp("bench")) as listening:
        yield listening


def test_each_contender_is_asked_equally_often(port):
    found = load.latencies({"one": port, "other": port}, REQUEST, 10, 5)
    assert [len(found[name]) for name in ("one", "other")] == [10, 10]
    assert min(found["one"]) > 0


def test_requests_are_counted_over_several_connections(port):
    assert load.rate(port, REQUEST, 2, 0.1) > 0


def test_a_burst_is_answered_whole(port):
    load.burst(port, REQUEST, 5)


def test_who_does_not_answer_with_the_text_is_left_out(port, tmp_path):
    command = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1")
    with started(lambda own, _: Launch((*command, str(own))), port, tmp_path) as other:
        assert set(load.latencies({"one": port, "other": other.port}, REQUEST, 5, 5)) == {"one"}
