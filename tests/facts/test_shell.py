"""Commands are sent on standard input, and no password is in any list of processes or log."""

import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyinfra.api import StringCommand

from voicemode_whisper.scripts import shell

PASSWORD = "it's a secret"


class Connector:
    """Notes what pyinfra's own way to run a command is given."""

    def __init__(self, **data: str) -> None:
        self.host = SimpleNamespace(name="a", print_prefix="[a] ", connector_data=data)
        self.command, self.text = "", ""

    def record(self, command: StringCommand, *_: Any, **arguments: Any) -> tuple[bool, None]:
        self.command, self.text = command.get_raw_value(), arguments.get("_stdin") or ""
        return True, None

    run_shell_command = shell._on_stdin(record)


def sent(command: str = "true", print_input: bool = False, **arguments: Any) -> Connector:
    data = arguments.pop("data", {})
    connector = Connector(**data)
    arguments = {"_shell_executable": shell.CLEAN_SHELL, **arguments}
    connector.run_shell_command(StringCommand(command), print_input=print_input, **arguments)
    return connector


def result(connector: Connector) -> str:
    """What a machine makes of it."""
    done = subprocess.run(
        connector.command, shell=True, input=connector.text, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.parametrize(
    "text", ["echo \"it's\" '\\\\ !x'", "printf '%s\\n' 'two\nlines'", "echo ü"]
)
def test_a_command_arrives_as_it_is(text: str):
    expected = subprocess.run(["sh", "-c", text], capture_output=True, text=True).stdout
    connector = sent(text)
    assert connector.command == """/bin/sh -c 'eval "$(/bin/cat)"'"""
    assert result(connector) == expected


def test_what_is_no_stage_s_is_left_as_it_is():
    connector = sent("echo $CC", _shell_executable="sh")
    assert (connector.command, connector.text) == ("echo $CC", "")


def test_sudo_is_not_to_ask_where_no_password_is_known():
    assert "; unset LANGUAGE; sudo -H -n sh -c " in sent(_sudo=True).text


@pytest.mark.parametrize("known", ["given", "asked for"])
def test_a_password_goes_to_sudo_s_standard_input_once(known: str, monkeypatch: pytest.MonkeyPatch):
    shown: list[str] = []
    monkeypatch.setattr(shell, "echo", lambda line, err: shown.append(line))
    given = {"_sudo_password": PASSWORD} if known == "given" else {}
    data = {} if given else {shell.PASSWORD: PASSWORD}
    connector = sent("echo done", print_input=True, _sudo=True, data=data, **given)
    assert "| sudo -H -S -k -p '' sh -c " in connector.text
    assert "secret" not in connector.command
    (line,) = shown
    assert "echo done" in line
    assert "secret" not in line
    # A sudo that shows what it reads.
    text = connector.text.replace("sudo -H -S -k -p ''", "cat; :")
    assert (
        subprocess.run(["sh", "-c", text], capture_output=True, text=True).stdout == f"{PASSWORD}\n"
    )


def test_doas_takes_the_place_of_sudo():
    text = sent(_sudo=True, data={shell.ROOT_TOOL: "doas"}).text
    assert " doas -n sh -c " in text
    assert " sudo -H" not in text


SCRIPTS = Path(shell.__file__).parent


def test_nothing_is_run_in_another_shell():
    """`shell.run` and operations alone, which have the stage's."""
    run = [
        path.name
        for path in SCRIPTS.parent.rglob("*.py")
        if ".run_shell_command(" in path.read_text()
    ]
    assert sorted(run) == ["progress.py", "shell.py"]


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.sh")), ids=lambda path: path.stem)
def test_no_curl_reads_the_user_s_settings(path: Path):
    text = re.sub("^ *#.*", "", path.read_text(), flags=re.MULTILINE)
    # At the beginning of a command: its name stands in messages too.
    commands = re.findall(r"(?:^|[|;&] *|until |while |if |! )curl (.*)", text, re.MULTILINE)
    for arguments in commands:
        assert arguments.startswith("-q ")
        # What is on the network has limits of its own, and the user's proxies (with-proxies.sh).
        assert "--noproxy '*'" in arguments or "--connect-timeout" in text
