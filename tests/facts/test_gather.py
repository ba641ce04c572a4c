"""Several facts in one round trip: each answered as if it were asked for alone, and never stale."""

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import Config, FactBase, Host, Inventory, State, StringCommand
from pyinfra.api.connect import connect_all
from pyinfra.api.exceptions import PyinfraError

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.facts.base import Fact, gather, read_fact
from voicemode_whisper.scripts import answers, shell, words
from voicemode_whisper.scripts.answers import Answer, told_apart


class Said(Fact[list[str]]):
    """What a command prints, which notes in the file `asked` that it was run."""

    default = list

    def command(self, asked: Path, command: str) -> str:
        return f"echo asked >> {asked}\n{command}"

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class Log(Said):
    """The same of words for people."""

    allows_undecodable = True


class Stirring(Said):
    """The same of what changes the host."""

    stirs = True


class Foreign(FactBase[str]):
    """A fact that is not the deploy's."""

    def command(self) -> str:
        return "echo foreign"


class Machine:
    """This machine, through pyinfra's @local connector, with a note of how often it was asked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.notes = directory / "asked"
        self.notes.touch()
        state = State(Inventory((["@local"], {})), Config())
        connect_all(state)
        (self.host,) = state.inventory

    @property
    def asked(self) -> int:
        return len(self.notes.read_text().splitlines())

    def question(self, command: str, fact: type[Said] = Said) -> tuple[type[Said], dict[str, Any]]:
        return fact, {"asked": self.notes, "command": command}

    def gather(self, *commands: str, **arguments: Any) -> None:
        gather(self.host, [self.question(command) for command in commands], **arguments)

    def read(self, command: str, fact: type[Said] = Said, **arguments: Any) -> list[str]:
        _, asked = self.question(command, fact)
        return read_fact(self.host, fact, **asked, **arguments)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


PRINTED = (
    "echo one", "printf 'no newline'", "printf 'two\\n\\n'", "echo; echo ' a\tb '", "true",
    "printf '\\n'",
    "echo \"it's\"; echo out; echo err >&2", "seq 100000", "exit 0", "set -u; cd /; x=1; echo $x",
    "echo '### answers 00000000-0000-0000-0000-000000000000' | tee /dev/stderr", "cat", "echo '('",
    "printf 'a\\rb\\n'", "head -c 200000 /dev/zero | tr '\\0' x",
)  # fmt: skip


def test_each_answers_as_it_does_alone_in_whatever_order(machine: Machine):
    alone = {command: machine.read(command) for command in PRINTED}
    machine.gather(*PRINTED)
    asked = machine.asked
    assert {command: machine.read(command) for command in reversed(PRINTED)} == alone
    assert machine.asked == asked
    assert alone["printf 'two\\n\\n'"] == ["two", ""]
    assert len(alone["seq 100000"]) == 100000


def test_all_are_asked_at_once_and_in_their_order(machine: Machine, tmp_path: Path):
    order = tmp_path / "order"
    machine.gather(*(f"echo {number} $PPID | tee -a {order}" for number in range(3)))
    lines = [line.split() for line in order.read_text().splitlines()]
    assert [number for number, _ in lines] == ["0", "1", "2"]
    assert len({parent for _, parent in lines}) == 1


def test_what_one_leaves_behind_is_not_there_for_the_next(machine: Machine):
    machine.gather("x=1; cd /usr; exec 3>&1; echo a", 'pwd; echo "$x"; echo b')
    assert machine.read('pwd; echo "$x"; echo b')[1:] == ["", "b"]
    assert machine.read('pwd; echo "$x"; echo b')[0] != "/usr"


def failed(machine: Machine, command: str, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is said when a fact fails its host."""
    caplog.clear()
    with pytest.raises(PyinfraError, match="No hosts remaining"):
        machine.read(command)
    machine.host.state.failed_hosts.clear()
    machine.host.state.active_hosts.add(machine.host)
    return sorted(caplog.messages)


def test_one_that_fails_does_so_when_its_turn_comes_and_as_alone(
    machine: Machine, caplog: pytest.LogCaptureFixture
):
    fails = "echo told; echo no such thing >&2; exit 7"
    alone = failed(machine, fails, caplog)
    assert [line.partition("] ")[2][:27] for line in alone] == [
        "Error: could not load fact:", "no such thing", "told",
    ]  # fmt: skip
    machine.gather("echo before", fails, "echo after")
    assert not machine.host.state.failed_hosts
    assert machine.read("echo before") == ["before"]
    asked = machine.asked
    assert failed(machine, fails, caplog) == alone
    assert machine.read("echo after") == ["after"]
    assert machine.asked == asked + 1


def test_output_that_is_not_utf_8_is_about_its_own_fact(machine: Machine):
    cut = r"printf 'a\n\377b\n'"
    machine.gather("echo one", cut, "echo two")
    asked = machine.asked
    assert (machine.read("echo one"), machine.read("echo two")) == (["one"], ["two"])
    with pytest.raises(UserError, match=r"test_gather\.Said: got 'a\\n.b.*not UTF-8"):
        machine.read(cut)
    assert machine.read(cut, Log) == ["a", "\N{REPLACEMENT CHARACTER}b"]
    assert machine.asked == asked


def root_tool(machine: Machine) -> None:
    """A fake of sudo: the commands of root are told by a variable."""
    tool = machine.directory / "as-root"
    tool.write_text('#!/bin/sh\n[ "$1" = -n ] && shift && HOME=/root exec "$@"\n')
    tool.chmod(0o755)
    machine.host.connector_data[shell.ROOT_TOOL] = str(tool)


def test_what_root_was_asked_is_no_answer_of_the_user_s(machine: Machine):
    root_tool(machine)
    machine.gather("echo $HOME", "echo a", _sudo=True)
    asked = machine.asked
    assert machine.read("echo $HOME", _sudo=True) == ["/root"]
    assert machine.asked == asked
    assert machine.read("echo a") == ["a"]
    assert machine.asked == asked + 1


def test_both_may_be_known_at_once(machine: Machine):
    root_tool(machine)
    machine.gather("echo a", _sudo=True)
    machine.gather("echo b")
    asked = machine.asked
    assert machine.read("echo a", _sudo=True) == ["a"]
    assert machine.read("echo b", _sudo=False) == ["b"]
    assert machine.asked == asked


def test_where_sudo_refuses_each_is_refused_in_its_turn(
    machine: Machine, caplog: pytest.LogCaptureFixture
):
    tool = machine.directory / "refusing"
    tool.write_text("#!/bin/sh\necho no, never >&2\nexit 1\n")
    tool.chmod(0o755)
    machine.host.connector_data[shell.ROOT_TOOL] = str(tool)
    machine.gather("echo a", _sudo=True)
    assert not machine.host.state.failed_hosts
    assert caplog.messages == []
    with pytest.raises(PyinfraError):
        machine.read("echo a", _sudo=True)
    assert "never" in caplog.messages[0]
    assert machine.asked == 0


CHANGES = {
    "a command of the deploy's": lambda host: shell.run(host, "true"),
    "a command of the deploy's as root": lambda host: shell.run(host, "true", _sudo=False),
    "a command of somebody else's": lambda host: host.run_shell_command(StringCommand("true")),
    "a fact that is not the deploy's": lambda host: host.get_fact(Foreign),
    "one that fails": lambda host: shell.run(host, "false"),
    "a file": lambda host: host.put_file(__file__, "/dev/null"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_else_is_run_has_the_host_asked_again(machine: Machine, change: str):
    read = machine.directory / "read"
    read.write_text("before\n")
    machine.gather(f"cat {read}")
    assert machine.read(f"cat {read}") == ["before"]
    read.write_text("after\n")
    assert machine.read(f"cat {read}") == ["before"]
    CHANGES[change](machine.host)
    assert machine.read(f"cat {read}") == ["after"]


def test_a_fact_that_stirs_the_host_has_it_asked_again_and_is_not_gathered(machine: Machine):
    machine.gather("echo a")
    asked = machine.asked
    machine.read("true", Stirring)
    machine.read("echo a")
    assert machine.asked == asked + 2
    with pytest.raises(ValueError, match="not to be asked in advance: Stirring"):
        gather(machine.host, [machine.question("echo b"), machine.question("true", Stirring)])


def test_what_was_not_gathered_is_asked_and_leaves_the_rest_known(machine: Machine):
    machine.gather("echo a")
    asked = machine.asked
    assert machine.read("echo b") == ["b"]
    assert machine.read("echo a") == ["a"]
    assert machine.asked == asked + 1


def test_an_answer_is_good_for_a_while(machine: Machine, monkeypatch: pytest.MonkeyPatch):
    machine.gather("echo a")
    asked = machine.asked
    now = answers.time.monotonic()
    monkeypatch.setattr(answers.time, "monotonic", lambda: now + answers.FRESH / 2)
    assert machine.read("echo a") == ["a"]
    assert machine.asked == asked
    monkeypatch.setattr(answers.time, "monotonic", lambda: now + answers.FRESH)
    assert machine.read("echo a") == ["a"]
    assert machine.asked == asked + 1


@pytest.mark.parametrize("shown", ["print_fact_info", "print_fact_input", "print_fact_output"])
def test_where_facts_are_shown_each_is_asked_alone(machine: Machine, shown: str):
    setattr(machine.host.state, shown, True)
    machine.gather("echo a", "echo b")
    assert machine.asked == 0
    assert machine.read("echo a") == ["a"]
    setattr(machine.host.state, shown, False)
    machine.gather("echo a")
    setattr(machine.host.state, shown, True)
    assert machine.read("echo a") == ["a"]
    assert machine.asked == 3


@pytest.mark.parametrize("greeting", ["echo Welcome back", "printf Welcome"])
def test_a_login_shell_that_greets_has_each_asked_alone(machine: Machine, greeting: str):
    start = shell._START
    machine.gather("echo a")
    asked = machine.asked
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shell, "_START", f"{greeting}; {start}")
        shell.run(machine.host, "true")
        machine.gather("echo a")
        said = machine.read("echo a")
    assert said[0].startswith("Welcome")
    assert machine.asked == asked + 2


MARK = "01234567-89ab-cdef-0123-456789abcdef"


def test_what_was_cut_off_is_no_answer():
    printed = [f"### answers {MARK}", "a", "", f"{MARK} 0", "b", f"{MARK} 1"]
    assert told_apart(printed, 2) == [Answer(0, ("a",)), Answer(1, ("b",))]
    for count in range(len(printed)):
        assert told_apart(printed[:count], 2) is None
    assert told_apart(["Welcome", *printed], 2) is None
    assert told_apart([*printed, f"{MARK} 0"], 2) is None


def test_no_two_have_the_same_mark():
    run = words("run-all", "echo a")
    marks = {
        subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()[0]
        for _ in range(3)
    }
    assert len(marks) == 3


def test_a_connection_that_is_lost_is_told_of_by_who_asks_next(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
):
    def lost(*_: Any, **__: Any) -> None:
        raise OSError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(machine.host, "run_shell_command", lost)
        machine.gather("echo a")
        assert not machine.host.state.failed_hosts
    assert machine.read("echo a") == ["a"]


def test_pyinfra_s_other_connectors_are_asked_each_for_itself():
    state = State(Inventory((["@fake/a"], {"fake_delay": 0, "fake_delay_jitter": 0})), Config())
    connect_all(state)
    host: Host
    (host,) = state.inventory
    gather(host, [(Said, {"asked": Path("/dev/null"), "command": "echo"})])
    assert host.connector.executed_commands == []
