"""Facts of hosts that say anything at all: a value, or one line that names the fact."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from paramiko.file import BufferedFile
from pyinfra.api import Config, Host, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra_testing.util import FakeState, create_host

from voicemode_whisper import facts
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.facts.base import UNDECODABLE, Fact, decoded, read_fact
from voicemode_whisper.facts.files import Downloads
from voicemode_whisper.facts.machine import Identity
from voicemode_whisper.facts.places import Places
from voicemode_whisper.facts.user_unit import StartLog

CASES = Path(__file__).parent / "cases"
GREETING = "Welcome back"

for module in pkgutil.iter_modules(facts.__path__):
    importlib.import_module(f"{facts.__name__}.{module.name}")
FACTS = {
    f"{fact.__module__.rpartition('.')[2]}.{fact.__name__}": fact
    for fact in Fact.__subclasses__()
    if fact.__module__.startswith(facts.__name__)
}


def answers(name: str) -> list[list[str]]:
    """What hosts answer in the cases of a fact."""
    cases = (yaml.safe_load(path.read_text()) for path in sorted((CASES / name).glob("*.yaml")))
    return [case["output"] for case in cases]


def spoiled(answer: list[str]) -> Iterator[list[str]]:
    """An answer with something before it, and cut off at every line and within it."""
    yield [GREETING, *answer]
    yield [*answer, GREETING]
    for count, line in enumerate(answer):
        yield answer[:count]
        yield [*answer[:count], line[: len(line) // 2]]


RUBBISH = (
    [], [""], [GREETING], ["", "  ", ""], ["\x1b[1mfastfetch\x1b[0m", "\x00\x01"], ["="], ["{}"],
    ["[]"], ["{", "}"], [":"], ["### whisper-cli x", "### memory"], ["pci"], [f"a{UNDECODABLE}b"],
    ["bash: warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)"], ["x " * 5000],
)  # fmt: skip


def error_of(fact: type[Fact[Any]], output: list[str]) -> UserError | None:
    try:
        fact().process(output)
    except UserError as error:
        return error
    return None


@pytest.mark.parametrize("name", FACTS)
def test_whatever_a_host_says_is_a_value_or_one_line_that_names_the_fact(name: str):
    for output in (*RUBBISH, *(output for answer in answers(name) for output in spoiled(answer))):
        error = error_of(FACTS[name], output)
        if error and not str(error).startswith("host: the login shell prints"):
            assert len(str(error).splitlines()) == 1, output
            assert len(str(error)) < 700
            assert str(error).startswith(f"{name}: got "), output


@pytest.mark.parametrize("name", FACTS)
def test_what_the_cases_say_is_read(name: str):
    assert [error_of(FACTS[name], answer) for answer in answers(name)] == [
        None for _ in answers(name)
    ]


def test_the_line_says_what_came_and_what_is_wrong_with_it():
    assert str(error_of(Places, ["df: command not found"])) == (
        "places.Places: got 'df: command not found', which it cannot read "
        "(ValueError: no place: 'df: command not found')"
    )


def test_a_greeting_is_named_with_what_to_do():
    error = error_of(Identity, ["", GREETING, "### identity", "user=ada"])
    assert str(error) == (
        "host: the login shell prints 'Welcome back' before a command's output; in ~/.bashrc, move "
        "what prints below `[[ $- == *i* ]] || return` (zsh: ~/.zshenv; fish: "
        "~/.config/fish/config.fish, `status is-interactive; or exit`)"
    )


def test_a_path_that_is_not_utf_8_is_refused_and_a_log_is_not():
    cut = [f"Grüße{UNDECODABLE}"]
    assert "(ValueError: it is not UTF-8)" in str(error_of(Downloads, cut))
    assert StartLog().process(cut) == cut


class Undecodable(Fact[list[str]]):
    """Prints a line that is not UTF-8, and then more than a pipe holds."""

    default = list

    def command(self) -> str:
        return r"printf 'a\n\377b\n'; seq 100000"

    def process(self, output: Iterable[str]) -> list[str]:
        return list(output)


class UndecodableLog(Undecodable):
    """The same of words for people."""

    allows_undecodable = True


@pytest.fixture
def local() -> Host:
    """This machine, through pyinfra's @local connector."""
    state = State(Inventory((["@local"], {})), Config())
    connect_all(state)
    (host,) = state.inventory
    return host


def test_output_that_is_not_utf_8_is_one_line_too(local: Host, capfd: pytest.CaptureFixture[str]):
    with pytest.raises(UserError, match=r"test_base\.Undecodable: got 'a\\n.b.*not UTF-8") as error:
        read_fact(local, Undecodable)
    assert len(str(error.value).splitlines()) == 1
    assert "Traceback" not in capfd.readouterr().err


def test_a_log_that_is_not_utf_8_is_read_to_its_end(local: Host):
    first, second, *_, last = read_fact(local, UndecodableLog)
    assert (first, second, last) == ("a", f"{UNDECODABLE}b", "100000")


def test_a_reader_that_fails_to_decode_is_one_line_too():
    def fail(*_: Any, **__: Any) -> None:
        b"caf\xe9".decode()

    host = create_host(FakeState())
    host.get_fact = fail
    with pytest.raises(UserError, match=r"files\.Downloads: got b'caf\\xe9', which it cannot read"):
        read_fact(host, Downloads, directory="/")


class Channel(BufferedFile):
    """A file of paramiko's, which decodes lines itself."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = BytesIO(content)
        self._set_mode("r")

    def _read(self, size: int) -> bytes:
        return self._content.read(size)


@pytest.mark.parametrize("lines", [Channel(b"a\n\xe9\nb\xff"), [b"a\n", b"\xe9\n", b"b\xff"]])
def test_what_cannot_be_decoded_is_replaced(lines: Iterable[str | bytes]):
    assert list(decoded(lines)) == ["a\n", f"{UNDECODABLE}\n", f"b{UNDECODABLE}"]
