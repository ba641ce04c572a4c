"""The command: `python -m bench`, which prints the table, or a profile of this proxy."""

import argparse
import sys
from pathlib import Path

from . import __doc__ as about
from . import builds, compiling, graph, machines, parsers
from .command import printed
from .contenders import QUEUE
from .machine import described
from .machines import MACHINES, MOST
from .measure import CONNECTIONS, MB, measure
from .processes import BenchError
from .profile import profile
from .table import table

NOTES = f"""\
In brackets: the ratio to the guide's proxy, where it refuses to that without its limit of 1 MiB.
Added: what comes to the latency straight to the upstream, which stands in the first column.
The upstream is a fake that answers at once, so that proxies are measured and not inference.
Requests a second: {CONNECTIONS} connections that stay open, one request under way on each.
This proxy has its defaults, one inference at a time, but for a queue of {QUEUE}."""


def main() -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="bench", description=about)
    text = "instead of the table, where this proxy's time goes with uploads of SIZE megabytes"
    parser.add_argument("--profile", metavar="SIZE", type=float, help=text)
    about_builds = "instead of the table, what building for a card costs: compiles for minutes"
    parser.add_argument("--builds", action="store_true", help=about_builds)
    about_machines = f"instead of the table, what N machines at once cost ({MACHINES} unless said)"
    parser.add_argument(
        "--machines", metavar="N", type=int, nargs="?", const=MACHINES, help=about_machines
    )
    options = parser.parse_args()
    return printed("bench", lambda temporary: _report(temporary, options))


def _report(temporary: Path, options: argparse.Namespace) -> str:
    if options.builds:
        return compiling.report(temporary)
    if options.machines is not None:
        if not 1 <= options.machines <= MOST:
            raise BenchError(f"--machines: got {options.machines}; allowed is 1 to {MOST}")
        return machines.report(options.machines, temporary)
    if options.profile is not None:
        return profile(round(options.profile * MB), temporary)
    machine = described()
    building = builds.report(graph.counted(temporary))
    parsing = parsers.report(temporary)
    return f"{table(measure(temporary))}\n\n{machine}.\n{NOTES}\n\n{parsing}\n\n{building}"


if __name__ == "__main__":
    sys.exit(main())
