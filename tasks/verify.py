"""Stage 9: done is what transcribes."""

from voicemode_whisper.host import Host
from voicemode_whisper.operations import certificate, generations, network
from voicemode_whisper.stage import stage


@stage("Verify", where=Host.serves)
def transcribe(host: Host) -> None:
    """Fail the host unless it transcribes speech through the proxy, on the GPU that was chosen.

    Otherwise what transcribed before serves again.
    """
    generations.confirm(
        name="Transcribe speech through the proxy",
        layout=host.layout,
        kfd=host.settings.gpu_kfd,
        api_key_file=host.settings.proxy_api_key_file,
    )
    generations.prune(name="Free what no generation needs", layout=host.layout, choice=host.choice)
    internal = host.settings.proxy_tls == "internal"
    if internal:
        certificate.announced(name="Say what clients are to trust", layout=host.layout)
    if host.lan_url:
        network.announce(
            name="Reach the proxy over the network",
            url=f"{host.lan_url}/health",
            layout=host.layout if internal else None,
        )
