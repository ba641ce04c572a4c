import subprocess
import sys

import pytest
import yaml

from bench.machines import HERE, spent
from bench.processes import ROOT, BenchError


def test_ansible_makes_ten_checks():
    (play,) = yaml.safe_load((HERE / "machines.yml").read_text())
    assert len(play["tasks"]) == 10


def test_what_a_command_takes_is_that_of_its_children_too():
    burn = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
    script = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}])"
    used = spent([sys.executable, "-c", script], lambda _: None)
    assert used.cpu >= 0.3
    assert used.wall >= 0.3


def test_what_fails_or_is_not_as_it_should_be_is_said():
    with pytest.raises(BenchError, match=r"(?s)status 3.*no such thing"):
        spent(["sh", "-c", "echo no such thing >&2; exit 3"], lambda _: None)
    with pytest.raises(BenchError, match="it changed some"):
        spent(["true"], lambda _: "it changed some")


@pytest.mark.parametrize("count", ["0", "100"])
def test_a_number_that_cannot_be_is_one_line(count: str):
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--machines", count],
        cwd=ROOT, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"bench: --machines: got {count}; allowed is 1 to 99\n"
