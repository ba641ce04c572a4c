"""Operations that raise: one line, and their own host's failure."""

from collections.abc import Callable, Generator

import pytest
from pyinfra.api import StringCommand
from pyinfra.context import ctx_host, ctx_state
from pyinfra_testing.util import FakeState, create_host

from tests.operations.conftest import Apply, Failed
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.operations.util.connection import explain, operation
from voicemode_whisper.scripts.shell import OneSessionError


def raising(error: Exception) -> Callable[..., object]:
    """An operation that runs one command, and then raises."""

    @operation()
    def broken() -> Generator[StringCommand]:
        yield StringCommand("true")
        raise error

    return broken


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("disk: is full"), "disk: is full"),
        (KeyError("built"), "unexpected KeyError: 'built'; --debug shows where"),
        (ValueError("two\nlines"), "unexpected ValueError: two lines; --debug shows where"),
    ],
)
def test_what_an_operation_raises_is_one_line(
    apply: Apply, capfd: pytest.CaptureFixture[str], error: Exception, line: str
):
    assert explain(error) == line
    with pytest.raises(Failed) as failed:
        apply(raising(error))
    assert line in str(failed.value)
    assert "Traceback" not in str(failed.value) + capfd.readouterr().err


def test_a_connection_with_one_session_is_told_from_one_that_was_lost():
    state, said = State(), []
    host = create_host(state)
    host.log_styled = lambda line, **_: said.append(line)
    with ctx_state.use(state), ctx_host.use(host):
        *_, command = raising(OneSessionError())._inner()
        assert command.execute(state, host, {})[0] is False
    assert said == [str(OneSessionError())]


class State(FakeState):
    """A state that keeps which hosts were failed."""

    def __init__(self) -> None:
        super().__init__()
        self.failed_hosts: set[object] = set()

    def fail_hosts(self, hosts: set[object]) -> None:
        self.failed_hosts |= hosts


@pytest.mark.parametrize(
    ("error", "commands", "told"),
    [
        (UserError("disk: is full", "delete something"), 1, ["disk: is full", "delete something"]),
        # That may be otherwise when the run has come so far.
        (KeyError("built"), 2, []),
    ],
)
def test_before_the_run_a_host_fails_for_what_an_operator_can_change(
    error: Exception, commands: int, told: list[str]
):
    state, said = State(), []
    host = create_host(state)
    host.log_styled = lambda line, **_: said.append(line)
    with ctx_state.use(state), ctx_host.use(host):
        assert len(list(raising(error)._inner())) == commands
    assert said == told
    assert bool(state.failed_hosts) is bool(told)
