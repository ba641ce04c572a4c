"""Stage 8: done is what transcribes."""

from operations import network, setups
from tasks.target import Target, stage


@stage("Verify")
def transcribe(target: Target) -> None:
    """Fail the host unless it transcribes speech through the proxy, on the GPU that was chosen.

    What transcribed before is back and serving then.
    """
    setups.confirm(
        name="Transcribe speech through the proxy",
        layout=target.layout,
        order=target.order,
        model=target.settings.model,
        kfd=target.settings.gpu_kfd,
        api_key_file=target.settings.proxy_api_key_file,
    )
    setups.tidy(name="Keep the last three builds", layout=target.layout)
    if target.lan_url:
        network.announce(name="Reach the proxy over the network", url=f"{target.lan_url}/health")
