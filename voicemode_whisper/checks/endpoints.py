"""Who listens where the services should, and what they answer there.

Nobody is asked at a port that another program has taken.
"""

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.health import endpoints
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import PROXY_UNIT, SERVER_UNIT
from voicemode_whisper.core.services import is_idle
from voicemode_whisper.facts.http import Answer, HttpGet
from voicemode_whisper.host import Host


def ports(exam: Examination) -> list[CheckResult]:
    """Who listens where the services should."""
    addresses, uid = exam.host.settings.addresses, exam.host.identity["uid"]
    return [endpoints.port(name, at, exam.listeners, uid) for name, at in addresses.items()]


def _is_taken(exam: Examination, name: str) -> bool:
    return any(port.fix for port in ports(exam) if port.name == name)


def wake(exam: Examination) -> tuple[Examination, list[CheckResult]]:
    """Have a request start whisper-server if it is idle: the services then, and what came of it."""
    exam = exam.again()
    if not is_idle(exam.services) or _is_taken(exam, "proxy_port"):
        return exam, []
    heard = exam.transcript(exam.host.layout.sample)
    row = endpoints.woken(heard.text, _health(exam.host, exam.host.settings.proxy_url).body)
    return exam.again(), [row]


def answers(exam: Examination) -> tuple[list[CheckResult], int]:
    """What whisper-server and the proxy answer, and how many requests the proxy has."""
    url = exam.host.settings.proxy_url
    results, ahead = [], 0
    if exam.server.active == "active" and not _is_taken(exam, "whisper_port"):
        here = f"http://127.0.0.1:{exam.host.settings.whisper_port}"
        results.append(_endpoint("whisper-server", here, _health(exam.host, here), SERVER_UNIT))
    # Whoever asks at its socket starts the proxy.
    if exam.proxy.active == "active" and not _is_taken(exam, "proxy_port"):
        answer = _health(exam.host, url)
        ahead = endpoints.requests_ahead(answer.body)
        results.append(_endpoint("proxy", url, answer, PROXY_UNIT))
    return results, ahead


def _health(host: Host, url: str) -> Answer:
    answer: Answer = host.fact(HttpGet, url=f"{url}/health")
    return answer


def _endpoint(name: str, url: str, answer: Answer, unit: str) -> CheckResult:
    return endpoints.endpoint(name, url, answer.status, answer.body, unit)
