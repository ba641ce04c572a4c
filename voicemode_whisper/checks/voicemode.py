"""Where VoiceMode sends speech."""

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.env_file import EnvFile
from voicemode_whisper.core.environment import Setting
from voicemode_whisper.core.health import voicemode
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.facts.env_file import EnvironmentSettings, VoiceModeEnv


def servers(exam: Examination) -> list[CheckResult]:
    """Which servers VoiceMode asks, and its `listen`."""
    host = exam.host
    url, user = f"{host.settings.proxy_url}/v1", host.identity["user"]
    file: EnvFile = host.fact(VoiceModeEnv, layout=host.layout)
    environment: list[Setting] = host.fact(EnvironmentSettings)
    return [
        voicemode.voicemode(url, file, user, environment),
        voicemode.voicemode_listen(url, environment),
    ]
