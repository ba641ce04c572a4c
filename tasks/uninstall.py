"""Remove what the deploy put on a machine, and nothing else.

    pyinfra inventory.py tasks/uninstall.py

The models stay, unless --data uninstall_models=yes is given.
"""

import sys
from pathlib import Path

if not __package__:  # pyinfra runs this file, and imports from the working directory alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from voicemode_whisper.core.env_file import BEFORE_US
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import POOL_UNITS, UNITS
from voicemode_whisper.core.voicemode_env import put_together, restore
from voicemode_whisper.facts.env_file import VoiceModeEnv
from voicemode_whisper.facts.generations import Generations
from voicemode_whisper.host import Host
from voicemode_whisper.operations import (
    certificate,
    download,
    env_file,
    generations,
    git,
    pool,
    run_lock,
    upgrades,
    user_unit,
)
from voicemode_whisper.stage import stage
from voicemode_whisper.unit_files import MARKER


@stage("Uninstall")
def remove(host: Host) -> None:
    """Stop the services and remove them, the builds, the proxy and the checkout."""
    layout, user = host.layout, host.identity["user"]
    addresses = _addresses(host)
    _check_voicemode(host, addresses)
    run_lock.hold(name="Lock the host", layout=layout)
    upgrades.absent(name="No longer upgrade by itself", layout=layout)
    user_unit.absent(
        name="Stop and remove the services",
        paths=[f"{layout.units}/{unit}" for unit in (*reversed(POOL_UNITS), *reversed(UNITS))],
        marker=MARKER,
    )
    env_file.restored(
        name="No longer point VoiceMode at the proxy",
        layout=layout,
        user=user,
        own=addresses,
    )
    pool.absent(name="Remove the pool", layout=layout)
    generations.absent(name="Remove the builds and the proxy", layout=layout)
    certificate.absent(name="Remove the CA and the certificate", layout=layout)
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


def _addresses(host: Host) -> set[str]:
    """Where VoiceMode has found the proxy."""
    found = host.fact(Generations, layout=host.layout)
    urls = (host.settings.proxy_url, *(one.proxy_url for one in found.all))
    return {f"{url}/v1" for url in urls}


def _check_voicemode(host: Host, addresses: set[str]) -> None:
    """Refuse before anything is removed where VoiceMode's settings cannot be what they were."""
    file = host.fact(VoiceModeEnv, layout=host.layout)
    user = host.identity["user"]
    problem = file.unreadable(user)
    text = file.text or ""
    if not problem and put_together(text, restore(text, addresses)) != text:
        problem = file.unwritable(user, BEFORE_US)
    if problem:
        raise UserError(problem)


if not __package__:
    remove()
