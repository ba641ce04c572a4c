"""Stage 8: VoiceMode finds the proxy."""

from operations import env_file
from tasks.target import Target, stage


@stage("VoiceMode")
def point(target: Target) -> None:
    """Set the one line of voicemode.env that names the proxy."""
    env_file.variable(
        name="Point VoiceMode at the proxy",
        path=target.layout.voicemode_env,
        key="VOICEMODE_STT_BASE_URLS",
        value=f"{target.settings.proxy_url}/v1",
    )
