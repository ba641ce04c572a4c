"""Operations against facts: each folder of cases/ is one operation, each file one situation."""

from pathlib import Path
from unittest.mock import patch

import pytest
from pyinfra_testing.operations import make_operation_tests

CASES = Path(__file__).parent / "cases"

# pyinfra_testing leaves the files of the cases to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

for folder in sorted(CASES.iterdir()):
    # Long scripts stand in the cases by their names; test_SCRIPT runs them.
    globals()[f"Test_{folder.name}"] = patch("operations.scripts._text", "{}.sh".format)(
        make_operation_tests("operations", folder.name, folder)
    )
