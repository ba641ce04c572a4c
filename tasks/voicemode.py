"""Stage 11: VoiceMode finds the proxy."""

from voicemode_whisper.host import Host
from voicemode_whisper.operations import env_file
from voicemode_whisper.stage import stage


@stage("VoiceMode", where=Host.serves)
def point(host: Host) -> None:
    """Set the line of VoiceMode's settings that names the proxy, and no other."""
    env_file.pointed(
        name="Point VoiceMode at the proxy",
        layout=host.layout,
        user=host.identity["user"],
        url=f"{host.settings.proxy_url}/v1",
    )
