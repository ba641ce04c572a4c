"""Operations against facts: each folder of cases/ is one operation, each file one situation."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pyinfra_testing.operations import make_operation_tests

from voicemode_whisper.core.toolchain import Toolchain
from voicemode_whisper.operations.util.generations import read_toolchain

CASES = Path(__file__).parent / "cases"

# pyinfra_testing leaves the files of the cases to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

# Long scripts stand in the cases by their names; test_SCRIPT runs them.
by_name = patch("voicemode_whisper.scripts._text", "{}.sh".format)
at_midnight = patch(
    "voicemode_whisper.operations.whisper._now", lambda: datetime(2026, 11, 22, tzinfo=UTC)
)

# pyinfra_testing hands facts over as the YAML has them.
as_tools = patch(
    "voicemode_whisper.operations.whisper.read_toolchain",
    lambda *build: Toolchain(**_as_arguments(read_toolchain(*build))),
)


def _as_arguments(fact: dict[str, Any]) -> dict[str, Any]:
    return {**fact, "versions": tuple(fact["versions"])}


for folder in sorted(CASES.iterdir()):
    tests = make_operation_tests("voicemode_whisper.operations", folder.name, folder)
    globals()[f"Test_{folder.name}"] = by_name(at_midnight(as_tools(tests)))
