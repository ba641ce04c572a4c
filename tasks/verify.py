"""Stage 9: done is what transcribes."""

from core.layout import SERVER_UNIT
from operations import network, speech
from tasks.target import Target, stage


@stage("Verify")
def transcribe(target: Target) -> None:
    """Fail the host unless it transcribes speech through the proxy, on the backend asked for."""
    speech.verify(
        name="Transcribe speech through the proxy",
        url=target.settings.proxy_url,
        sample=target.layout.sample,
        unit=SERVER_UNIT,
        backend=target.backend,
        api_key_file=target.settings.proxy_api_key_file,
    )
    if target.lan_url:
        network.announce(name="Reach the proxy over the network", url=f"{target.lan_url}/health")
