"""Operations against facts: each folder of cases/ is one operation, each file one situation."""

from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from pyinfra_testing.operations import make_operation_tests

CASES = Path(__file__).parent / "cases"

# pyinfra_testing leaves the files of the cases to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# Long scripts stand in the cases by their names; test_SCRIPT runs them.
by_name = patch("voicemode_whisper.scripts._text", "{}.sh".format)
at_midnight = patch(
    "voicemode_whisper.operations.whisper._now", lambda: datetime(2026, 11, 22, tzinfo=UTC)
)

for folder in sorted(CASES.iterdir()):
    tests = make_operation_tests("voicemode_whisper.operations", folder.name, folder)
    globals()[f"Test_{folder.name}"] = by_name(at_midnight(tests))
