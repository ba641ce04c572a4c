"""The proxy's own: its Python, its code, what it decodes with, and room for uploads."""

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.health import proxy
from voicemode_whisper.core.health.report import CheckResult, caused_by
from voicemode_whisper.facts.serving import ProxySelfCheck
from voicemode_whisper.facts.venv import Venv


def python(exam: Examination) -> CheckResult:
    """The Python that the proxy runs on."""
    venv = exam.host.fact(Venv, path=f"{exam.host.layout.current}/venv")
    return proxy.python(venv, exam.proxy)


def needs(exam: Examination, python: CheckResult) -> list[CheckResult]:
    """What the proxy needs: its code, ffmpeg, room for uploads; nothing where it does not run.

    `python` is what was found of its Python.
    """
    serves = exam.serves
    # What was set up by hand is not ours to judge.
    if exam.proxy.active != "active" or serves is None or serves.adopted:
        return []
    report = exam.host.fact(ProxySelfCheck, layout=exam.host.layout)
    if report is None:
        return []
    code, venv = (exam.part(serves, name) for name in ("proxy", "venv"))
    row = proxy.proxy_code(report, exam.on_disk.changed_proxy, code, venv)
    rows = [caused_by(python, row)]
    if not report.error:
        rows += [proxy.decoding(report), proxy.uploads(report)]
    return rows
