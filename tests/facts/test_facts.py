"""Facts: each folder of cases/ is one fact, each file one answer of a host."""

from pathlib import Path

import pytest
from pyinfra_testing.facts import make_fact_tests

CASES = Path(__file__).parent / "cases"

# pyinfra_testing leaves the files of the cases to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

for folder in sorted(CASES.iterdir()):
    globals()[f"Test_{folder.name}"] = make_fact_tests("facts", folder.name, folder)
