"""A fake whisper-server that takes as long as it is told: see timed_whisper.c."""

from pathlib import Path

from tests import boxes

SOURCE = Path(__file__).with_suffix(".c")
RECORDING = Path(__file__).parents[1] / "proxy" / "recordings" / "v1.9.1-speech.json"
# Puts it in the place of the build's.
PUT = """
set -e
cd ~/.voicemode/services/current/build/
cc -O1 -pthread -DSECONDS={seconds} -o bin/whisper-server.new ~/timed_whisper.c
rm ~/timed_whisper.c
mv ~/timed_whisper.json bin/whisper-server.json
mv bin/whisper-server.new bin/whisper-server
find bin vad.bin -type f -exec sha256sum {{}} + > SHA256SUMS
XDG_RUNTIME_DIR=/run/user/$(id -u) systemctl --user restart voicemode-whisper.service
"""


def put(box: boxes.Box, seconds: float = 0.0) -> None:
    """Have a box that was deployed to answer in this time, and be done with no work for it."""
    for path in (SOURCE, RECORDING):
        box.run(f"cat > ~/timed_whisper{path.suffix}", input=path.read_text())
    box.run(PUT.format(seconds=seconds))
