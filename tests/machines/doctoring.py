"""Run tasks/doctor.py on boxes, and read what it says."""

import re
from dataclasses import dataclass
from typing import Any

from tests.boxes import Box
from tests.machines.deploying import Run, deploy


@dataclass(frozen=True)
class Table:
    """What a run said: its exit status, each row with what is below it, and the last line."""

    status: int
    rows: dict[str, str]
    verdict: str

    @property
    def ill(self) -> set[str]:
        """The parts that are not well."""
        return {name for name, text in self.rows.items() if text.startswith("FAIL")}


def examined(box: Box, **settings: Any) -> Table:
    """What the doctor says of the box."""
    run = deploy(box, file="tasks/doctor.py", **settings)
    assert "Traceback" not in run.output, run.output
    print(run.output)
    rows: dict[str, str] = {}
    name = verdict = ""
    for line in said_of(box, run):
        if row := re.match(r"(OK|FAIL|WARN) +(\S+(?: \S+)*)  +(\S.*)", line):
            name = row[2]
            rows[name] = f"{row[1]}  {row[3]}"
        elif line.startswith("   "):
            rows[name] += f"\n{line.strip()}"
        elif line.startswith("all checks passed") or "checks failed: " in line:
            verdict = line
    return Table(run.status, rows, verdict)


def said_of(box: Box, run: Run) -> list[str]:
    """The lines of a run about the box, without its name."""
    found = (line.partition(f"[{box.name}] ") for line in run.output.splitlines())
    return [text for _, name, text in found if name]
