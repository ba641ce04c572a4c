"""Go back to what served before.

    pyinfra inventory.py tasks/rollback.py

Run it again to go back further.
"""

import sys
from pathlib import Path

if not __package__:  # pyinfra runs this file, and imports from the working directory alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from voicemode_whisper.host import Host
from voicemode_whisper.operations import generations, run_lock
from voicemode_whisper.root import become_root
from voicemode_whisper.stage import stage


@stage("Rollback")
def rollback(host: Host) -> None:
    """Have the generation that was confirmed before the present one serve again."""
    become_root(host)
    run_lock.hold(name="Lock the host", layout=host.layout)
    generations.rollback(
        name="Roll back",
        layout=host.layout,
        kfd=host.settings.gpu_kfd,
        api_key_file=host.settings.proxy_api_key_file,
    )


if not __package__:
    rollback()
