"""The environment of what runs on a host, with the scripts that make it run for real."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from getpass import getuser
from pathlib import Path

import pytest

from voicemode_whisper.scripts import words

# A shell that has what the user set, as the one that reads commands from a connection.
USER = {
    "PATH": os.environ["PATH"],
    "HOME": "/home/ada lovelace",
    "CC": "/bin/false",
    "CFLAGS": "-bad",
    "PYTHONPATH": "/nowhere",
    "LANG": "de_DE.UTF-8",
    "LC_ALL": "de_DE.UTF-8",
    "HSA_OVERRIDE_GFX_VERSION": "9.0.0",
    "GIT_DIR": "/nowhere",
    "CDPATH": "/",
    "TMPDIR": "/nowhere",
    "BASH_FUNC_id%%": "() {  echo nobody; }",
    "http_proxy": "http://name:secret@proxy:3128",
}


def ran(command: str, **more: str) -> str:
    """What a shell command prints in the clean shell."""
    return program("clean-shell", "-c", command, **more)


def program(name: str, *arguments: str, **more: str) -> str:
    # The one above it has the user's environment, and waits.
    wait = ["sh", "-c", '"$@"; exit', "sh"]
    done = subprocess.run(
        [*wait, *words(name, *arguments)],
        env={**USER, **more}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def variables(**more: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in ran("env", **more).splitlines())


def test_nothing_that_the_user_has_set_is_there_but_their_home():
    found = variables()
    assert found["HOME"] == USER["HOME"]
    assert found["LC_ALL"] == "C.UTF-8"
    assert not {"CC", "CFLAGS", "PYTHONPATH", "LANG", "CDPATH", "GIT_DIR", "http_proxy"} & {*found}
    assert not [name for name in found if name.startswith(("HSA_", "LD_", "PIP_"))]
    assert found["TMPDIR"] == "/var/tmp"
    assert "/nowhere" not in found.values()


def test_functions_of_bash_do_not_count():
    command = ["bash", "--posix", "-c", words("clean-shell")[2], "x", "-c", "echo $USER"]
    done = subprocess.run(command, env=USER, capture_output=True, text=True, check=True)
    assert done.stdout == f"{getuser()}\n"


@pytest.mark.parametrize(
    ("users", "ours"), [("0022", "0022"), ("0077", "0077"), ("0002", "0022"), ("0000", "0022")]
)
def test_others_may_write_nothing_and_a_stricter_umask_stays(users: str, ours: str):
    text = f'umask {users}; exec "$@"'
    command = ["sh", "-c", text, "sh", *words("clean-shell", "-c", "umask")]
    done = subprocess.run(command, env=USER, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ours


def outside(url: str = "", **more: str) -> dict[str, str]:
    """The proxies of what runs through with-proxies.sh."""
    text = ran(shlex.join(words("with-proxies", url, "env")), **more)
    lines = (line.split("=", 1) for line in text.splitlines())
    return {name: value for name, value in lines if name.lower().endswith("_proxy")}


def test_what_is_not_on_the_machine_is_asked_for_through_the_user_s_proxy():
    assert outside(no_proxy="lan") == {"http_proxy": USER["http_proxy"], "no_proxy": "lan"}


def test_capitals_count_where_there_are_no_small_letters():
    found = outside(HTTP_PROXY="http://other:1", HTTPS_PROXY="http://other:2")
    assert found == {"http_proxy": USER["http_proxy"], "https_proxy": "http://other:2"}


def test_the_proxy_that_git_has_counts_for_its_server(tmp_path: Path):
    (tmp_path / ".gitconfig").write_text(
        '[http "https://git.example"]\n  proxy = http://gits:1\n[alias]\n  config = !false\n'
    )
    found = outside("https://git.example/whisper.cpp", HOME=str(tmp_path))
    assert set(found.values()) == {"http://gits:1"}
    assert (
        outside("https://other.example/x", HOME=str(tmp_path))["http_proxy"] == USER["http_proxy"]
    )


def test_git_takes_nothing_else_from_the_user(tmp_path: Path):
    (tmp_path / ".gitconfig").write_text('[url "http://127.0.0.1:9/"]\n  insteadOf = https://\n')
    listed = ran("git config --list; true", HOME=str(tmp_path))
    assert "insteadof" not in listed
    assert "core.hookspath=/dev/null" in listed


def compiled(tmp_path: Path, ccache: str) -> str:
    """What a step of a build says with this for ccache."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ccache").write_text(f"#!/bin/sh\n{ccache}\n")
    (programs / "ccache").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    step = ("sh", "-c", 'echo "disabled: ${CCACHE_DISABLE-}, in $TMPDIR"')
    return program("build-step", str(tmp_path / "b"), *step, PATH=path)


def test_a_ccache_that_does_not_work_is_done_without(tmp_path: Path):
    said = compiled(tmp_path, "echo 'ccache: error: Permission denied' >&2; exit 1")
    assert "does not work here: ccache: error: Permission denied" in said
    assert f"disabled: 1, in {tmp_path}/b" in said


def test_one_that_works_is_used(tmp_path: Path):
    assert compiled(tmp_path, 'exec "$@"') == f"disabled: , in {tmp_path}/b\n"


# Tells with what it was called, and fails while pip is isolated.
PYTHON = """#!/bin/sh
case "$*" in
  *"config --user list") printf "%s\\n" "global.index-url='http://mirror/simple'" \
    "global.user='true'" "install.target='/x'" ;;
  *--isolated*) exit {status} ;;
  *) echo "$*; $PIP_INDEX_URL; $PIP_CONFIG_FILE; ${{PIP_USER-}}${{PIP_TARGET-}}" ;;
esac
"""


@pytest.mark.parametrize(
    ("status", "more", "said"),
    [
        (0, {}, ""),
        (1, {}, "-m pip install; http://mirror/simple; /dev/null; "),
        (1, {"PIP_INDEX_URL": "http://set"}, "-m pip install; http://set; /dev/null; "),
    ],
)
def test_the_user_s_index_is_asked_where_the_machine_s_fails(
    tmp_path: Path, status: int, more: Mapping[str, str], said: str
):
    python = tmp_path / "python"
    python.write_text(PYTHON.format(status=status))
    python.chmod(0o755)
    inner = shlex.join(words("with-index", str(python), "install"))
    assert ran(inner, **more).splitlines()[1:] == ([said] if said else [])
