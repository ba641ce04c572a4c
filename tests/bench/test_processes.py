import os
import sys

import pytest

from bench.processes import BenchError, Launch, high_water, peak_bytes, running
from tests.ports import free_port


def test_the_peak_is_read_in_kib():
    assert high_water("Name:\tpython\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n") == 2 * 1024 * 1024


def test_this_process_has_a_peak():
    assert peak_bytes(os.getpid()) > 1_000_000


def test_a_server_is_gone_after_its_context(tmp_path):
    port = free_port()
    launch = Launch((sys.executable, "-m", "bench.upstream", str(port)))
    with running(launch, port, tmp_path) as server:
        assert peak_bytes(server.pid) > 1_000_000
    assert not os.path.exists(f"/proc/{server.pid}")


def test_what_does_not_start_is_said_with_its_last_words(tmp_path):
    launch = Launch((sys.executable, "-c", "raise SystemExit('no such setting')"))
    with pytest.raises(BenchError, match="no such setting"), running(launch, 1, tmp_path):
        pass
