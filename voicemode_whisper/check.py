"""Say what a deploy would change on which host, and change nothing.

    python -m voicemode_whisper.check inventory.py deploy.py [pyinfra's options]

Exits with 2 where something would change, with 0 where nothing would, with 1 on an error.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import pyinfra_cli.main
from pyinfra.api import Host, State
from pyinfra.context import ctx_host

from voicemode_whisper.core.planned import FAILED, status, table


class Told(SystemExit):
    """What would change has been told."""


def planned(state: State) -> dict[str, list[str]]:
    """The operations that would change something, by host; what they depend on is asked.

    Those with an `_if` pyinfra's own plan has as "conditional": it evaluates that in a run alone.
    """
    found = {}
    for host in (one for one in state.inventory if one in state.activated_hosts):
        with ctx_host.use(host):
            found[host.name] = [
                str(next(iter(state.op_meta[op_hash].names)))
                for op_hash in state.get_op_order()
                if op_hash in state.ops[host] and _would_change(state, host, op_hash)
            ]
    return found


def _would_change(state: State, host: Host, op_hash: str) -> bool:
    operation = state.get_op_data_for_host(host, op_hash)
    given: Any = operation.global_arguments["_if"]
    conditions: Sequence[Callable[[], bool]] = [given] if callable(given) else given or []
    # Asked now where -y, or PYINFRA_YES, has had pyinfra ask nothing.
    return operation.operation_meta.will_change and all(one() for one in conditions)


def _tell(state: State, dry: bool) -> None:
    """In the place of pyinfra's JSON of the plan: a table, and the exit status."""
    planned_by_host = planned(state)
    names = {host.name for host in state.failed_hosts}
    found = {name: made for name, made in planned_by_host.items() if name not in names}
    for line in table(found, sorted(names)):
        print(line)
    raise Told(status(found, names))


def main() -> None:
    """Run pyinfra as far as it goes without a change."""
    sys.modules["pyinfra_cli.cli"].print_run_json = _tell  # type: ignore[attr-defined]
    sys.argv[1:1] = ["--dry", "--json"]
    try:
        pyinfra_cli.main.main()
    except Told:
        raise
    except SystemExit:
        # click has the status 2 for a bad option too.
        raise SystemExit(FAILED) from None


if __name__ == "__main__":
    main()
