"""Let runs of the deploy die half way, and see that the next makes everything good."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import requests

from tests.boxes import Box, machine, network, state
from tests.boxes.system import SOURCES, SOURCES_PORT
from tests.machines.cable import Cable
from tests.machines.cases import MIDDLES, Case, Middle
from tests.machines.deploying import ROOT, Run, command, deploy, post, raise_boxes, sources
from tests.machines.footprint import differences, footprint
from tests.tunnel import tunnel
from voicemode_whisper.core.speech import is_spoken

PATIENCE = 300  # seconds for a run to come to the point where it is to die
LINES = 25  # of a failure's explanation


class DyingRun:
    """A run of the deploy that goes on while it is looked at, and is to be killed."""

    def __init__(self, box: Box, process: subprocess.Popen[bytes], log: Path) -> None:
        self._box, self._process, self._log = box, process, log
        self._result = re.compile(rf"^    \[{box.name}\] (Success|No changes)", re.MULTILINE)

    def await_operation(self, number: int) -> None:
        """Return when so many operations have ended well."""
        deadline = time.monotonic() + PATIENCE
        while self._done() < number:
            going = self._process.poll() is None and time.monotonic() < deadline
            assert going or self._done() >= number, self._too_late()
            time.sleep(0.005)

    def await_middle(self, middle: Middle) -> None:
        """Return when the box shows that the run is there."""
        look = f"for _ in $(seq 100); do {middle.seen} && exit 0; sleep 0.01; done; exit 1"
        deadline = time.monotonic() + PATIENCE
        while self._box.run(look, check=False).returncode:
            going = self._process.poll() is None and time.monotonic() < deadline
            assert going, self._too_late()

    def kill(self) -> None:
        """Kill pyinfra, and nothing else: what it has begun on the box is left to itself."""
        self._process.kill()
        self._process.wait()

    def _done(self) -> int:
        return len(self._result.findall(self._log.read_text()))

    def _too_late(self) -> str:
        return f"the run did not come to the point where it was to die:\n{end(self._log)}"


@contextmanager
def dying_run(box: Box, **data: str) -> Iterator[DyingRun]:
    """Start the deploy in a session of its own; when the context ends it is dead."""
    with TemporaryDirectory() as place:
        log = Path(place) / "stderr"
        environment = {**os.environ, "TMPDIR": place}  # who is killed does not prune up
        with (
            log.open("wb") as stderr,
            subprocess.Popen(
                command(box, **data), cwd=ROOT, env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
            ) as process,
        ):  # fmt: skip
            run = DyingRun(box, process, log)
            try:
                yield run
            finally:
                run.kill()


def die_and_recover(case: Case, box_name: str) -> None:
    """Let a run die as the case says; AssertionError unless the next one makes everything good."""
    with raise_boxes(box_name, base=case.scenario.base) as (box,):
        try:
            if case.scenario.serves:
                assert_hears(box, case.scenario.recording, "before the run", seconds=60)
            # Slow to the end: a transfer that outlives its run must not harm the next.
            with slowed(case) as data:
                die(case, box, data)
                recover(case, box)
        finally:
            box.kill()  # in a tenth of the time that shutting down takes


def die(case: Case, box: Box, data: dict[str, str]) -> None:
    """Let a run die at its point; what was served before still is."""
    middle = MIDDLES[case.point] if isinstance(case.point, str) else Middle(seen="true")
    box.run(middle.before or "true", user="root")
    with dying_run(box, **data) as run:
        if isinstance(case.point, int):
            run.await_operation(case.point)
        else:
            run.await_middle(middle)
        if case.way == "cut":
            cut_power(box)
        run.kill()
    if case.way == "cut":
        box.start()
    box.run(middle.after or "true", user="root")
    if case.scenario.serves:
        # With the box its services start; but a killed pyinfra stops none.
        seconds = 60 if case.way == "cut" else 0
        assert_hears(box, case.scenario.recording, "after the run has died", seconds)


def recover(case: Case, box: Box) -> None:
    """Run the deploy again; the box is then as if nothing had been, and stays so."""
    succeeded(box)
    found = differences(case.scenario.outcome, footprint(box))
    assert not found, "the box is not as after an undisturbed run:\n" + first(found)
    assert_hears(box, case.scenario.recording, "after the next run")
    again = succeeded(box)
    assert again.changes == 0, f"one run more changes {again.changed}"


def succeeded(box: Box) -> Run:
    """A plain run that has to succeed; if it does not, its end says why."""
    run = deploy(box)
    lines = "\n".join(run.output.splitlines()[-LINES:])
    assert run.status == 0, f"the next run fails:\n{lines}"
    return run


def cut_power(box: Box) -> None:
    """`Box.kill` at once: it would wait where another box is just on its way up."""
    for hierarchy in machine.hierarchies():
        switch = hierarchy / state.TAG / box.name / "cgroup.kill"
        if switch.exists():
            switch.write_text("1")
    box.kill()


@contextmanager
def slowed(case: Case) -> Iterator[dict[str, str]]:
    """The settings, if any, that make what this is the middle of last long enough."""
    middle = MIDDLES.get(str(case.point))
    if middle is None or not middle.slowly:
        yield {}
        return
    gateway = network.address(network.GATEWAY)
    with Cable(gateway, SOURCES_PORT, rate=middle.rate) as cable:
        yield {middle.slowly: sources()[middle.slowly].replace(SOURCES, cable.url)}


def assert_hears(box: Box, recording: bytes, when: str, seconds: float = 0) -> None:
    """Demand the right transcript through the proxy, within so many seconds, or at once."""
    deadline = time.monotonic() + seconds
    while not is_spoken(heard := hears(box, recording)):
        assert time.monotonic() < deadline, f"{when} the box hears {heard!r}"
        time.sleep(0.2)


def hears(box: Box, recording: bytes) -> str:
    """What comes of a recording: the transcript, or why there is none."""
    try:
        with tunnel(box, 2023) as url:
            return post(url, recording)
    except requests.RequestException as error:
        return f"nothing: {error}"


def first(lines: list[str]) -> str:
    """The first lines, and how many more there are."""
    more = [f"... and {len(lines) - LINES} more"] if len(lines) > LINES else []
    return "\n".join([*lines[:LINES], *more])


def end(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text().splitlines()[-LINES:])
