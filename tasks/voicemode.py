"""Stage 9: VoiceMode finds the proxy."""

from operations import env_file
from tasks.target import Target, stage

KEY = "VOICEMODE_STT_BASE_URLS"


@stage("VoiceMode")
def point(target: Target) -> None:
    """Set the one line of voicemode.env that names the proxy."""
    env_file.variable(
        name="Point VoiceMode at the proxy",
        path=target.layout.voicemode_env,
        key=KEY,
        value=f"{target.settings.proxy_url}/v1",
    )
