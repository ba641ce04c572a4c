"""Remove what the deploy put on a machine, and nothing else.

    pyinfra inventory.py tasks/uninstall.py

The models stay, unless --data uninstall_models=yes is given.
"""

import sys
from pathlib import Path

if not __package__:  # pyinfra runs this file, and imports from the working directory alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from voicemode_whisper.core.layout import UNITS, VOICEMODE_KEYS
from voicemode_whisper.host import Host
from voicemode_whisper.operations import download, env_file, generations, git, run_lock, user_unit
from voicemode_whisper.stage import stage
from voicemode_whisper.unit_files import MARKER


@stage("Uninstall")
def remove(host: Host) -> None:
    """Stop the services and remove them, the builds, the proxy and the checkout."""
    layout, user = host.layout, host.identity["user"]
    run_lock.hold(name="Lock the host", layout=layout)
    user_unit.absent(
        name="Stop and remove the services",
        paths=[f"{layout.units}/{unit}" for unit in reversed(UNITS)],
        marker=MARKER,
    )
    for key in VOICEMODE_KEYS:
        env_file.absent(
            name=f"No longer point VoiceMode at the proxy with {key}",
            path=layout.voicemode_env,
            key=key,
            value=f"{host.settings.proxy_url}/v1",
        )
    generations.absent(name="Remove the builds and the proxy", layout=layout)
    download.absent(
        name="Remove the models" if host.settings.uninstall_models else "Keep the models",
        directory=layout.models,
        files=host.settings.uninstall_models,
    )
    git.absent(name="Remove the checkout of whisper.cpp", path=layout.checkout)
    host.pyinfra.log(
        "what others may need too is left: the packages, the groups render and video, and services "
        f"without a login, which `sudo loginctl disable-linger {user}` ends"
    )


if not __package__:
    remove()
