"""Stage 9: VoiceMode finds the proxy."""

from voicemode_whisper.core.layout import VOICEMODE_KEYS
from voicemode_whisper.host import Host
from voicemode_whisper.operations import env_file
from voicemode_whisper.stage import stage


@stage("VoiceMode")
def point(host: Host) -> None:
    """Set the lines of voicemode.env that name the proxy, and no other."""
    for key in VOICEMODE_KEYS:
        env_file.variable(
            name=f"Point VoiceMode at the proxy with {key}",
            path=host.layout.voicemode_env,
            key=key,
            value=f"{host.settings.proxy_url}/v1",
        )
