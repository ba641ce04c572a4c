"""The pool of a gateway, and its members."""

from voicemode_whisper.core.health import certificate, pool
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.facts.certificate import Certificate
from voicemode_whisper.facts.generations import Generations
from voicemode_whisper.facts.http import Answer, HttpGet
from voicemode_whisper.facts.pool import PoolServices
from voicemode_whisper.facts.speech import Transcript, Transcription
from voicemode_whisper.host import Host
from voicemode_whisper.operations.util.connection import can_be_asked


def gateway(host: Host) -> list[CheckResult]:
    """All rows of a gateway; the members are asked too, as far as this run reaches them."""
    url = host.settings.pool_url
    services = pool.services(host.fact(PoolServices, layout=host.layout))
    answer: Answer = host.fact(HttpGet, url=f"{url}/health")
    proxy = pool.proxy(url, answer.status, answer.body)
    return [
        services,
        proxy,
        *pool.members(answer.body),
        *pool.versions(_labels(host)),
        _certificate(host),
        *([] if services.failed or proxy.failed else [_speech(host)]),
    ]


def _labels(host: Host) -> dict[str, str]:
    """What members serve, by name."""
    asked = [one for one in host.members if can_be_asked(one.pyinfra)]
    found = {one.member_name: one.fact(Generations, layout=one.layout).serving for one in asked}
    return {name: serving.label for name, serving in found.items() if serving}


def _certificate(host: Host) -> CheckResult:
    """That by which the members know the gateway."""
    path = host.layout.pool_certificate
    found = host.fact(
        Certificate, certificate=path, key=f"{path}.key", ca=host.layout.ca, use="clientAuth"
    )
    return certificate.certificate(found, "", "", name="pool certificate")


def _speech(host: Host) -> CheckResult:
    settings, url = host.settings, host.settings.pool_url
    heard: Transcription = host.fact(
        Transcript,
        url=url,
        sample=host.layout.pool_speech,
        api_key_file=settings.proxy_api_key_file,
    )
    return pool.speech(url, heard.text, heard.seconds)
