"""One member of a pool after another. That a pool serves meanwhile is for the tests on boxes."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from paramiko import SSHException
from pyinfra.api import StringCommand
from pyinfra_testing.util import get_command_string

from tests.fake_hosts import FakeHost
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.pool import MemberState, ready_commands
from voicemode_whisper.operations import rolling

UP, DOWN = MemberState(is_up=True), MemberState()


class Gateway:
    """What becomes of HAProxy's members, in place of a gateway that this cannot have."""

    def __init__(self, states: dict[str, MemberState]) -> None:
        self.states = states
        self.told: list[str] = []

    def run(self, _: object, command: StringCommand) -> tuple[bool, object]:
        self.told.append(get_command_string(command))
        return True, None


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    found = Gateway({"one.lan": UP, "two.lan": UP})
    monkeypatch.setattr(rolling, "shell", SimpleNamespace(run=found.run))
    monkeypatch.setattr(rolling, "read_fact", lambda *_, **__: found.states)
    monkeypatch.setattr(rolling, "can_be_asked", lambda _: True)
    return found


def operations(monkeypatch: pytest.MonkeyPatch, switches: list[str], confirms: list[str]) -> None:
    """Have the operations that are done while a member is out yield these."""
    for name, commands in {"switch": switches, "confirm": confirms}.items():
        inner = SimpleNamespace(_inner=lambda *_, c=commands: iter(map(StringCommand, c)))
        monkeypatch.setattr(rolling.generations, name, inner)


def switched(host: FakeHost, gateway: Gateway) -> Iterator[str]:
    """The commands of the operation, as they come."""
    arguments: dict[str, Any] = {"layout": Layout("/h"), "choice": None, "kfd": "/k"}
    with host.worked_on():
        for command in rolling.switch._inner(member="one.lan", gateways=[gateway], **arguments):
            yield get_command_string(command)


def told(gateway: Gateway) -> list[str]:
    """Which states HAProxy was told to set, in their order."""
    return [command.split("state ")[1].split("'")[0].split()[0] for command in gateway.told]


def test_a_member_is_out_while_it_switches_and_transcribes(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
):
    operations(monkeypatch, ["switch"], ["confirm"])
    commands = switched(FakeHost({}), gateway)
    assert [next(commands), next(commands)] == ["switch", "confirm"]
    assert told(gateway) == ["drain"]
    assert list(commands) == []
    assert told(gateway) == ["drain", "ready"]
    assert all(word in gateway.told[1] for word in ready_commands("one.lan"))


def test_a_gateway_that_is_lost_meanwhile_is_no_fault_of_the_member(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
):
    operations(monkeypatch, ["switch"], ["confirm"])
    monkeypatch.setattr(rolling.shell, "run", Mock(side_effect=SSHException("not active")))
    assert list(switched(FakeHost({}), gateway)) == ["switch", "confirm"]


def test_one_that_has_nothing_to_do_stays_in(gateway: Gateway, monkeypatch: pytest.MonkeyPatch):
    operations(monkeypatch, [], ["confirm"])
    assert list(switched(FakeHost({}), gateway)) == []
    assert gateway.told == []


def test_one_that_fails_is_put_back_and_no_other_is_touched(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
):
    operations(monkeypatch, ["switch"], ["confirm"])
    host = FakeHost({})
    commands = switched(host, gateway)
    next(commands)
    commands.close()  # as pyinfra does with what comes after a command that failed
    assert told(gateway) == ["drain", "ready"]
    (error,) = switched(host, gateway)
    assert "pool: not switched, as one.lan failed" in error
    assert len(gateway.told) == 2


def test_where_another_one_is_away_it_stays_in(gateway: Gateway, monkeypatch: pytest.MonkeyPatch):
    operations(monkeypatch, ["switch"], ["confirm"])
    gateway.states["two.lan"] = DOWN
    assert list(switched(FakeHost({}), gateway)) == ["switch", "confirm"]
    assert gateway.told == []
