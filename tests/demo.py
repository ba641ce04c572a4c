"""The main job on a machine that has neither Arch nor a GPU: `make demo`.

Raises a test box, runs the deploy that users run, then transcribes whisper.cpp's sample through
the proxy with OpenAI's own client.
"""

import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import openai

from tests import boxes
from tests.boxes import Box
from tests.machines.deploying import sample
from tests.tunnel import tunnel
from voicemode_whisper.core.speech import is_spoken

ROOT = Path(__file__).parents[1]
BOX = "demo"
DEPLOY = (sys.executable, "-m", "pyinfra", "-y", ".boxes/inventory.py", "deploy.py", "--limit", BOX)


def main() -> int:
    """Run the demo; the exit status is 0 when the sample was transcribed."""
    started = time.monotonic()
    boxes.down(BOX)
    box = boxes.up(BOX)[0]
    raised = time.monotonic() - started
    print("\nDeploying, as `pyinfra inventory.py deploy.py` does:", flush=True)
    stages = deploy()
    if stages is None:
        print("\nThe deploy failed; its output above says why.", file=sys.stderr)
        return 1
    transcript, seconds = transcribe(box)
    report([("Raise the box", raised), *stages, ("Transcribe 11 s of speech", seconds)])
    print(f"\nTranscript: {transcript}\n")
    print(f"Look around:  .venv/bin/python -m tests.boxes ssh {BOX}")
    print(f"Deploy again: .venv/bin/pyinfra {' '.join(DEPLOY[3:])}")
    print("End it:       .venv/bin/python -m tests.boxes down")
    return 0 if is_spoken(transcript) else 1


def deploy() -> list[tuple[str, float]] | None:
    """Run the deploy, showing what it prints; the seconds that each stage took, None if it failed.

    pyinfra announces an operation as "--> Starting operation: STAGE | NAME".
    """
    process = subprocess.Popen(
        DEPLOY, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    stages = list(stage_times(shown(process.stdout)))
    return stages if process.wait() == 0 else None


def shown(lines: Iterable[str]) -> Iterator[str]:
    """The same lines, printed as they come."""
    for line in lines:
        print(line, end="", flush=True)
        yield line


def stage_times(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    """What each stage took, in seconds, from pyinfra's output as it comes."""
    stage, since = "Preflight", time.monotonic()
    for line in lines:
        starts = line.startswith("--> Starting operation: ") and " | " in line
        ends = line.startswith("--> Results")
        name = line.removeprefix("--> Starting operation: ").split(" | ")[0] if starts else ""
        if ends or (starts and name != stage):
            yield stage, time.monotonic() - since
            stage, since = name, time.monotonic()


def transcribe(box: Box) -> tuple[str, float]:
    """The transcript of the box's own sample through its proxy, and the seconds that it took."""
    recording = sample(box)
    with tunnel(box, 2023) as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
        started = time.monotonic()
        answer = client.audio.transcriptions.create(model="whisper-1", file=("jfk.wav", recording))
        return answer.text, time.monotonic() - started


def report(rows: list[tuple[str, float]]) -> None:
    """Print an aligned table of seconds."""
    print()
    for name, seconds in rows:
        print(f"{name:<28}{seconds:8.1f} s")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except boxes.BoxError as error:
        sys.exit(f"demo: {error}")
