"""Turn Arch and CachyOS machines into private speech-to-text servers.

    pyinfra inventory.py deploy.py

Run it again to upgrade. Settings are in group_data/all.py.
"""

import sys
from pathlib import Path

# pyinfra imports from the working directory, which may be another.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from voicemode_whisper.tasks import (
    access,
    certificate,
    model,
    packages,
    pool,
    preflight,
    proxy,
    services,
    upgrades,
    verify,
    voicemode,
    whisper,
)

preflight.check()
packages.install()
access.grant()
model.fetch()
whisper.build()
proxy.install()
certificate.issue()
services.run()
verify.transcribe()
pool.serve()
voicemode.point()
upgrades.schedule()
