"""The command: `python -m bench.quality`, which prints the tables, and fails on lost words."""

import argparse
import sys
from pathlib import Path

from tests.boxes import Box
from tests.clients import installed

from ..command import printed, say
from ..machine import described
from . import __doc__ as about
from . import measure, tables, weights
from .servers import reached, serve_model, serving
from .speech import Recording, recordings

NOTES = """\
WER: word error rate, of texts as OpenAI's EnglishTextNormalizer has them. Straight: whisper-server
alone, with the voice activity detection that the proxy asks for. Real-time factor: seconds for a
second of speech, each recording for itself. The start of a word: of those that eSpeak NG reads,
through the proxy. Where nobody speaks: 20 kinds of sound, each also 30 dB quieter."""


def main() -> int:
    """Run the command and return its exit status."""
    argparse.ArgumentParser(prog="bench.quality", description=about).parse_args()
    problems: list[str] = []
    status = printed("bench.quality", lambda temporary: _report(temporary, problems))
    for problem in problems:
        print(f"bench.quality: {problem}", file=sys.stderr)
    return status or bool(problems)


def _report(temporary: Path, problems: list[str]) -> str:
    installed.importable("quality")
    machine = described()
    spoken = recordings(temporary)
    with serving("quality") as box:
        tiny = _measured("tiny.en", box, spoken, temporary)
        say("the model base")
        serve_model(box, "base", weights.base(temporary))
        base = _measured("base", box, spoken)
    for one in (tiny, base):
        problems += tables.problems(one)
    return f"{tables.models([tiny, base])}\n\n{tables.formats(tiny)}\n\n{machine}.\n{NOTES}"


def _measured(
    model: str, box: Box, spoken: list[Recording], temporary: Path | None = None
) -> measure.Measured:
    """Measure the model that the box serves; in every format, if there is a directory for them.

    A model gets what was decoded already, so formats are measured with one.
    """
    say(f"{model} with {len(spoken)} recordings")
    with reached(box) as servers:
        speech = list(measure.speech(servers, spoken))
        noises = list(measure.noises(servers))
        encoded = list(measure.encoded(box, servers, speech, temporary)) if temporary else []
    return measure.Measured(model, speech, noises, encoded)


if __name__ == "__main__":
    sys.exit(main())
