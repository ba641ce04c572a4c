"""Check the health of each host, and say what fixes it; nothing is changed.

    pyinfra inventory.py tasks/doctor.py

Ends with an error where a check failed.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # pyinfra runs this file, and imports from the working directory alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from voicemode_whisper.checks import (
    certificate,
    endpoints,
    gpu,
    installation,
    pool,
    power,
    proxy,
    services,
    speech,
    upgrades,
    voicemode,
)
from voicemode_whisper.checks.examination import Examination, begin
from voicemode_whisper.core.health.report import CheckResult, table, verdict
from voicemode_whisper.host import Host
from voicemode_whisper.operations.util.connection import fail, is_lost
from voicemode_whisper.preconditions import check_host
from voicemode_whisper.stage import stage


@stage("Doctor")
def examine(host: Host) -> None:
    """Print a table of the checks; fail the host where one of them failed."""
    check_host(host)
    if is_lost(host.pyinfra):
        return
    results = [
        *(_check(begin(host)) if host.serves() else ()),
        *(pool.gateway(host) if host.is_gateway() else ()),
    ]
    for line, colour in table(results):
        host.pyinfra.log_styled(line, fg=colour or None)
    failed = verdict(results)
    if failed:
        fail(host.pyinfra, failed)
    else:
        host.pyinfra.log_styled("all checks passed", fg="green")


def _check(exam: Examination) -> list[CheckResult]:
    """All rows of a host that transcribes, in their order."""
    busy = exam.on_disk.busy
    if busy:
        exam.host.warn(f"a run of the deploy is at work here ({busy}): what is red may pass")
    python = proxy.python(exam)
    needs = proxy.needs(exam, python)
    components = installation.components(exam)
    # After what takes long: it may be idle again soon.
    exam, woken = endpoints.wake(exam)
    return [
        installation.generation(exam),
        *gpu.card(exam),
        *components,
        python,
        *services.units(exam, python),
        *woken,
        *endpoints.ports(exam),
        *gpu.use(exam),
        *needs,
        *certificate.served(exam),
        *_use(exam, explained=any(row.fix for row in needs)),
    ]


def _use(exam: Examination, explained: bool) -> list[CheckResult]:
    """What clients find, and how fast it is.

    `explained` is whether it is told already why the proxy may not decode.
    """
    answers, ahead = endpoints.answers(exam)
    # The card is idle until the doctor has something transcribed.
    idle = power.idle(exam, ahead)
    return [
        *answers,
        *(speech.transcription(exam, ahead, explained) if _is_served(answers) else ()),
        *idle,
        *(speech.wyoming(exam) if _is_served(answers) else ()),
        *speech.speed(exam),
        *voicemode.servers(exam),
        *upgrades.scheduled(exam),
    ]


def _is_served(answers: Sequence[CheckResult]) -> bool:
    """Whether speech can be sent: without whisper-server the proxy has who asks wait."""
    return len(answers) == 2 and not answers[0].fix


if not __package__:
    examine()
