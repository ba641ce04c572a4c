"""What VoiceMode's own code makes of settings: texts in lines of JSON, {STT: value} each way.

Run with its Python, HOME in a directory of its own.
"""

import json
import os
import sys
from pathlib import Path

PLACE = Path.home() / ".voicemode"
PLACE.mkdir()
(PLACE / "voicemode.env").touch()

from voice_mode.config import load_voicemode_env  # noqa: E402

KEY = "VOICEMODE_STT_BASE_URLS"
CLEAN = dict(os.environ)

for line in sys.stdin:
    for name in os.environ.keys() - CLEAN.keys():
        del os.environ[name]
    (PLACE / "voicemode.env").write_bytes(json.loads(line).encode())
    load_voicemode_env()
    print(json.dumps(os.environ.get(KEY)), flush=True)
