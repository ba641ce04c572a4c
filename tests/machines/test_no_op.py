"""Nothing to do means no change, in seconds and with few commands."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.boxes import Box
from tests.machines.deploying import deployed, post, raise_boxes, sample
from tests.tunnel import tunnel

pytestmark = pytest.mark.alone

# As many as it took on 2026-12-01. Each is a round trip: a change that adds some has to say why.
COMMANDS = 13
# Of a run that only connects and runs `true`, the transcription of the sample left out: so the
# machine's own speed counts for both. It was 4.5 on 2026-11-30, where such a run took 1.1 s.
TIMES = 6
RUNS = 3
NOTHING = """
from pyinfra.operations import server

server.shell(commands=["true"])
"""


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    """A box that nothing is to be done to, whose sshd tells of every command."""
    with raise_boxes("idle", base=served) as (serving,):
        serving.run("echo 'LogLevel VERBOSE' > /etc/ssh/sshd_config.d/20-tell.conf", user="root")
        serving.run("systemctl reload ssh", user="root")
        yield serving


def commands(box: Box) -> int:
    """How many commands and transfers sshd has begun for ada."""
    log = box.run("journalctl -q -o cat -t sshd-session", user="root").stdout.splitlines()
    return sum(line.startswith("Starting session: ") and " for ada " in line for line in log)


def test_a_second_run_changes_nothing_with_no_more_commands_than_before(box: Box):
    before = commands(box)
    assert deployed(box).changes == 0
    sent = commands(box) - before
    print(f"a run with nothing to do: {sent} commands on the host")
    assert 0 < sent <= COMMANDS


def least(run: Callable[[], object]) -> float:
    """Seconds that it takes, the best of three: what else the machine does takes its time too."""
    taken = []
    for _ in range(RUNS):
        begun = time.monotonic()
        run()
        taken.append(time.monotonic() - begun)
    return min(taken)


def test_a_second_run_takes_a_few_times_what_connecting_does(box: Box, tmp_path: Path):
    nothing = tmp_path / "nothing.py"
    nothing.write_text(NOTHING)
    audio = sample(box)
    with tunnel(box, 2023) as url:
        speech = least(lambda: post(url, audio))
    connecting = least(lambda: deployed(box, file=str(nothing)))
    whole = least(lambda: deployed(box))
    print(
        f"nothing to do: {whole:.1f} s, {speech:.1f} s of it speech; to connect {connecting:.1f} s"
    )
    assert whole - speech <= TIMES * connecting
