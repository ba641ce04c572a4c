"""Apply operations to this machine for real, through pyinfra's @local connector."""

from collections.abc import Callable
from typing import Any

import pytest
from pyinfra.api import Config, Inventory, State, output
from pyinfra.api.connect import connect_all
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.operation import add_op
from pyinfra.api.operations import run_ops
from pyinfra.api.state import StateStage
from pyinfra_testing.util import FakeHost, FakeState

Apply = Callable[..., int]

# A host of pyinfra_testing is never given up.
FakeState.failed_hosts = frozenset()
# It has no shell to be asked several facts at once in.
FakeHost.connector = None


class Failed(Exception):
    """The operation failed; the text is what it printed."""


def apply_for_real(operation: Any, **arguments: Any) -> int:
    """Apply an operation with its facts; how many commands it ran."""
    shown: list[str] = []
    output.set_echo(lambda line, **_: shown.append(line))
    state = State(Inventory((["@local"], {})), Config(), check_for_changes=False)
    connect_all(state)
    state.set_stage(StateStage.Prepare)
    (meta,) = add_op(state, operation, **arguments).values()
    state.set_stage(StateStage.Execute)
    try:
        run_ops(state)
    except PyinfraError as error:
        raise Failed("\n".join([*shown, meta.stderr])) from error
    return len(meta._commands)


@pytest.fixture
def apply() -> Apply:
    return apply_for_real
