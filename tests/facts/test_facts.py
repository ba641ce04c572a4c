"""Facts: each folder of cases/ is one fact, each file one answer of a host."""

from pathlib import Path
from unittest.mock import patch

import pytest
from pyinfra_testing.facts import make_fact_tests

CASES = Path(__file__).parent / "cases"

# pyinfra_testing leaves the files of the cases to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# Scripts stand in the cases by their names; the other tests here run them.
by_name = patch("voicemode_whisper.scripts._text", "{}.sh".format)

for folder in sorted(CASES.iterdir()):
    tests = make_fact_tests("voicemode_whisper.facts", folder.name, folder)
    globals()[f"Test_{folder.name}"] = by_name(tests)
