"""Nothing to do means no change, in seconds and with few commands."""

import time
from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines.deploying import deployed, raise_boxes

pytestmark = pytest.mark.alone

# As many as it took on 2026-11-22. Each is a round trip: a change that adds some has to say why.
COMMANDS = 45
SECONDS = 5
RUNS = 3


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


def test_a_second_run_takes_at_most_five_seconds(box: Box):
    """The best of three counts: what else the machine does takes its time too."""
    seconds = []
    while len(seconds) < RUNS and min(seconds, default=SECONDS + 1) > SECONDS:
        begun = time.monotonic()
        deployed(box)
        seconds.append(time.monotonic() - begun)
    print(f"a run with nothing to do: {min(seconds):.1f} s")
    assert min(seconds) <= SECONDS
