"""What every command of the benchmark does around its report."""

import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from .load import RefusedError
from .processes import INTERRUPTS, BenchError


def printed(name: str, report: Callable[[Path], str], parent: str | None = None) -> int:
    """Print what `report` makes in a temporary directory of its own; the exit status.

    What cannot be measured is a line on standard error. `parent` is where the directory is made.
    """
    for number in INTERRUPTS:  # ends what it started, in any shell
        signal.signal(number, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=parent) as temporary:
            print(report(Path(temporary)))
    except (BenchError, RefusedError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def say(what: str) -> None:
    """Say on standard error what is being measured."""
    print(f"bench: {what}", file=sys.stderr, flush=True)
