"""The certificate with which the proxy serves other machines."""

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.health import certificate
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.facts.certificate import Certificate


def served(exam: Examination) -> list[CheckResult]:
    """The certificate that the settings name; nothing where they name none."""
    host, settings, layout = exam.host, exam.host.settings, exam.host.layout
    if settings.proxy_tls == "off":
        return []
    own = settings.own_certificate
    file, key = own or (layout.certificate, layout.certificate_key)
    found = host.fact(Certificate, certificate=file, key=key, ca="" if own else layout.ca)
    called = host.called if host.lan_url else ""
    return [certificate.certificate(found, called, file if own else "")]
