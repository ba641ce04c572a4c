"""Remove what the deploy put on a machine, and nothing else.

    pyinfra inventory.py tasks/uninstall.py

The models stay, unless --data uninstall_models=yes is given.
"""

from core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT
from operations import download, env_file, git, setups, user_unit
from tasks.services import MARKER
from tasks.target import Target, stage
from tasks.voicemode import KEY


@stage("Uninstall")
def remove(target: Target) -> None:
    """Stop the services and remove them, the builds, the proxy and the checkout."""
    layout, user = target.layout, target.identity["user"]
    user_unit.absent(
        name="Stop and remove the services",
        paths=[f"{layout.units}/{unit}" for unit in (PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT)],
        marker=MARKER,
    )
    env_file.absent(
        name="No longer point VoiceMode at the proxy",
        path=layout.voicemode_env,
        key=KEY,
        value=f"{target.settings.proxy_url}/v1",
    )
    setups.absent(name="Remove the builds and the proxy", layout=layout)
    download.absent(
        name="Remove the models" if target.settings.uninstall_models else "Keep the models",
        directory=layout.models,
        files=target.settings.uninstall_models,
    )
    git.absent(name="Remove the checkout of whisper.cpp", path=layout.checkout)
    target.host.log(
        "what others may need too is left: the packages, the groups render and video, and services "
        f"without a login, which `sudo loginctl disable-linger {user}` ends"
    )


remove()
