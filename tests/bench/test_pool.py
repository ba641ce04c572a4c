import pytest

from bench import load, pool
from bench.pool import possible, throughput
from bench.requests import transcription, wav
from tests.proxy.haproxy import needs_haproxy

SHORT = transcription(wav(32_000))


def test_what_members_can_do_together():
    assert possible([0.8, 0.4, 0.2]) == pytest.approx(1.25 + 2.5 + 5)


@needs_haproxy
def test_a_pool_answers_and_is_faster_than_one(tmp_path_factory):
    # Bounds that hold on any machine: more than one of them can do, and no more than all.
    with pool.pool([0.4] * 3, tmp_path_factory.mktemp("p")) as found:
        rate = throughput(found.gateway.port, SHORT, 6, seconds=2.4, warm=1.0)
        straight = load.latencies({"m": found.member}, SHORT, 5, 5.0)["m"]
    assert 1 / 0.4 < rate < 1.2 * possible([0.4] * 3)
    assert min(straight) >= 0.4


def test_without_haproxy_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pool, "system_program", lambda _: None)
    monkeypatch.setattr("sys.argv", ["bench.pool", "--members", "1", "--seconds", "0.1"])
    assert pool.main() == 1
    assert capsys.readouterr().err.endswith(
        "bench.pool: there is no haproxy: run make setup, or apt-get install haproxy\n"
    )
