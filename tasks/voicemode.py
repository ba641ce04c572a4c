"""Stage 9: VoiceMode finds the proxy."""

from voicemode_whisper.core.layout import VOICEMODE_KEY
from voicemode_whisper.host import Host
from voicemode_whisper.operations import env_file
from voicemode_whisper.stage import stage


@stage("VoiceMode")
def point(host: Host) -> None:
    """Set the one line of voicemode.env that names the proxy."""
    env_file.variable(
        name="Point VoiceMode at the proxy",
        path=host.layout.voicemode_env,
        key=VOICEMODE_KEY,
        value=f"{host.settings.proxy_url}/v1",
    )
