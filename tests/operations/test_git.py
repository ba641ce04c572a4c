"""Checkouts, with the real git, of a repository on this machine."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyinfra.api import output

from tests.facts.answers import answer
from tests.operations.conftest import Apply, Failed
from tests.operations.git_server import GitServer, serving
from voicemode_whisper.core.release import parse_refs
from voicemode_whisper.core.urls import Login
from voicemode_whisper.facts.git import Advertisement, Head
from voicemode_whisper.operations.git import GENERATED, absent, checkout


def git(path: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@x", "-C", str(path), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class Upstream:
    """A repository of two commits; any commit can be fetched from it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"file://{path}"
        subprocess.run(["git", "init", "-q", str(path)], check=True)
        git(path, "config", "uploadpack.allowAnySHA1InWant", "true")
        self.commits = [self._commit(text) for text in ("one", "two")]

    def _commit(self, text: str) -> str:
        (self.path / GENERATED).parent.mkdir(parents=True, exist_ok=True)
        for name in ("file", GENERATED):
            (self.path / name).write_text(text)
        git(self.path, "add", ".")
        git(self.path, "commit", "-qm", text)
        return git(self.path, "rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Upstream:
    return Upstream(tmp_path / "upstream")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "check out"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines that operations show."""
    lines: list[str] = []
    monkeypatch.setattr(output, "set_echo", lambda _: None)
    monkeypatch.setattr(output, "_echo", lambda line, **_: lines.append(line))
    return lines


def at(apply: Apply, upstream: Upstream, path: Path, number: int) -> int:
    commit = upstream.commits[number]
    return apply(checkout, repo=upstream.url, commit=commit, path=str(path))


def test_a_commit_is_checked_out_alone_and_then_left(apply: Apply, upstream: Upstream, path: Path):
    assert at(apply, upstream, path, 1) > 0
    assert at(apply, upstream, path, 1) == 0
    assert (path / "file").read_text() == "two"
    assert git(path, "rev-list", "--count", "HEAD") == "1"
    assert git(path, "remote", "get-url", "origin") == upstream.url


def test_a_directory_with_other_files_in_it_keeps_them(
    apply: Apply, upstream: Upstream, path: Path
):
    (path / "models").mkdir(parents=True)
    (path / "models" / "mine.bin").write_text("model")
    at(apply, upstream, path, 0)
    assert (path / "models" / "mine.bin").read_text() == "model"


def test_an_upgrade_passes_over_what_the_build_wrote(apply: Apply, upstream: Upstream, path: Path):
    at(apply, upstream, path, 0)
    (path / GENERATED).write_text("written by cmake")
    at(apply, upstream, path, 1)
    assert (path / GENERATED).read_text() == "two"
    assert git(path, "stash", "list") == ""


def test_local_changes_are_kept_in_the_stash_and_said_to_be(
    apply: Apply, upstream: Upstream, path: Path, said: list[str]
):
    at(apply, upstream, path, 0)
    assert said == []
    (path / "file").write_text("mine")
    at(apply, upstream, path, 1)
    assert f"local changes in {path} were set aside: git stash list" in said[0]
    assert (path / "file").read_text() == "two"
    assert git(path, "show", "stash@{0}:file") == "mine"


def test_a_full_clone_keeps_its_history_and_its_remote(
    apply: Apply, upstream: Upstream, path: Path
):
    subprocess.run(["git", "clone", "-q", str(upstream.path), str(path)], check=True)
    git(path, "remote", "set-url", "origin", "https://old.example/whisper.cpp.git")
    upstream.commits.append(upstream._commit("three"))
    at(apply, upstream, path, 2)
    assert git(path, "rev-list", "--count", "HEAD") == "3"
    assert git(path, "remote", "get-url", "origin") == "https://old.example/whisper.cpp.git"


def test_a_commit_that_is_not_there_is_named(apply: Apply, upstream: Upstream, path: Path):
    with pytest.raises(Failed, match=r"not our ref|unadvertised|couldn't find") as caught:
        apply(checkout, repo=upstream.url, commit="0" * 40, path=str(path))
    said = str(caught.value).splitlines()
    assert "fatal: " in said[0]
    assert len(set(said)) == len(said)


def test_a_commit_that_no_branch_has_gets_one(
    apply: Apply, upstream: Upstream, path: Path, said: list[str]
):
    subprocess.run(["git", "clone", "-q", str(upstream.path), str(path)], check=True)
    git(path, "checkout", "-q", "--detach")
    (path / "file").write_text("mine")
    git(path, "commit", "-qam", "mine")
    upstream.commits.append(upstream._commit("three"))
    at(apply, upstream, path, 2)
    (branch,) = git(path, "branch", "--list", "by-hand-*", "--format=%(refname:short)").split()
    assert git(path, "log", "-1", "--format=%s", branch) == "mine"
    assert any(branch in line for line in said)


def test_what_the_deploy_checked_out_needs_no_branch(apply: Apply, upstream: Upstream, path: Path):
    for number in (0, 1, 0):
        at(apply, upstream, path, number)
    assert git(path, "branch", "--list", "by-hand-*") == ""


def test_a_file_in_the_way_of_a_new_one_is_kept_aside(
    apply: Apply, upstream: Upstream, path: Path, said: list[str]
):
    at(apply, upstream, path, 0)
    (path / "my notes").write_text("mine")
    (path / "left alone").write_text("mine")
    (upstream.path / "my notes").write_text("theirs")
    upstream.commits.append(upstream._commit("three"))
    at(apply, upstream, path, 2)
    assert (path / "my notes").read_text() == "theirs"
    assert (path / "my notes.by-hand").read_text() == "mine"
    assert (path / "left alone").read_text() == "mine"
    assert any("my notes was in the way" in line for line in said)


def test_the_locks_of_a_git_that_was_killed_are_removed(
    apply: Apply, upstream: Upstream, path: Path
):
    at(apply, upstream, path, 0)
    for lock in ("index.lock", "shallow.lock", "HEAD.lock", "config.lock"):
        (path / ".git" / lock).touch()
    at(apply, upstream, path, 1)
    assert (path / "file").read_text() == "two"
    assert list((path / ".git").glob("*.lock")) == []


def test_a_checkout_that_was_cut_off_leaves_nothing_of_the_user_s_to_keep(
    apply: Apply, upstream: Upstream, path: Path, said: list[str]
):
    """git had written some files of the new commit, and not yet its index."""
    (upstream.path / "new").write_text("new")
    upstream.commits.append(upstream._commit("three"))
    at(apply, upstream, path, 0)
    git(path, "config", "deploy.moving", upstream.commits[2])
    git(path, "fetch", "-q", "--depth", "1", upstream.url, upstream.commits[2])
    (path / "file").write_text("three")
    (path / "new").write_text("n")
    at(apply, upstream, path, 2)
    assert git(path, "status", "--porcelain") == git(path, "stash", "list") == ""
    assert said == []
    (path / "file").write_text("mine")
    at(apply, upstream, path, 1)
    assert git(path, "show", "stash@{0}:file") == "mine"


def test_a_clone_that_was_cut_off_is_finished(apply: Apply, upstream: Upstream, path: Path):
    subprocess.run(["git", "init", "-q", str(path)], check=True)
    for lock in ("shallow.lock", "config.lock"):
        (path / ".git" / lock).touch()
    at(apply, upstream, path, 1)
    assert apply(absent, path=str(path)) == 1
    assert not path.exists()


def test_the_deploy_s_own_checkout_is_removed_but_not_what_is_the_user_s(
    apply: Apply, upstream: Upstream, path: Path
):
    at(apply, upstream, path, 0)
    (path / "mine").mkdir()
    (path / "mine" / "note").write_text("untracked")
    (path / GENERATED).write_text("written by cmake")
    (path / "file").write_text("edited")
    assert apply(absent, path=str(path)) == 1
    assert apply(absent, path=str(path)) == 0
    left = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}
    assert left == {"mine/note", "file"}


def test_changes_that_were_set_aside_outlive_the_checkout(
    apply: Apply, upstream: Upstream, path: Path
):
    at(apply, upstream, path, 0)
    (path / "file").write_text("mine")
    at(apply, upstream, path, 1)
    apply(absent, path=str(path))
    assert [file.name for file in path.iterdir()] == [".git"]
    assert git(path, "show", "stash@{0}:file") == "mine"


def test_a_clone_of_the_user_s_is_left(apply: Apply, upstream: Upstream, path: Path):
    subprocess.run(["git", "clone", "-q", str(upstream.path), str(path)], check=True)
    assert apply(absent, path=str(path)) == 0
    assert (path / "file").exists()


SECRET = "s3cr'et\"\\$(x)"
LOGIN = Login("ada", SECRET)


@pytest.fixture
def closed(upstream: Upstream) -> Iterator[GitServer]:
    """A server of upstream's repository that lets LOGIN in."""
    with serving(upstream.path.parent, f"ada:{SECRET}") as server:
        yield server


def test_credentials_reach_the_server_and_nothing_else(
    apply: Apply, upstream: Upstream, closed: GitServer, path: Path, said: list[str]
):
    repo = f"http://{closed.host}/upstream"
    apply(checkout, repo=repo, commit=upstream.commits[1], path=str(path), login=LOGIN)
    assert (path / "file").read_text() == "two"
    assert "fetch --progress" in closed.command_lines
    assert SECRET not in closed.command_lines
    files = [file.read_bytes() for file in path.rglob("*") if file.is_file()]
    assert not any(SECRET.encode() in text for text in files)
    assert git(path, "remote", "get-url", "origin") == repo
    assert said == []


@pytest.mark.parametrize("login", [None, Login("ada", "wrong"), Login("", "")])
def test_who_is_not_let_in_is_told_so_and_asked_nothing(
    apply: Apply, upstream: Upstream, closed: GitServer, path: Path, login: Login | None
):
    repo = f"http://{closed.host}/upstream"
    with pytest.raises(Failed, match=r"Authentication failed|could not read Username") as caught:
        apply(checkout, repo=repo, commit=upstream.commits[1], path=str(path), login=login)
    assert "wrong" not in str(caught.value)


def test_what_the_server_has_is_asked_for_with_credentials_too(
    upstream: Upstream, closed: GitServer
):
    git(upstream.path, "tag", "v1.9.1")
    asked = {"repo": f"http://{closed.host}/upstream"}
    found = parse_refs(answer(Advertisement, **asked, input=LOGIN.for_curl))
    assert found["refs/tags/v1.9.1"] == upstream.commits[1]
    assert answer(Advertisement, **asked) == [
        "it wants credentials, or others than those that the URL has (401)"
    ]
    assert SECRET not in closed.command_lines


def test_credentials_that_an_earlier_deploy_wrote_down_are_taken_out(
    apply: Apply, upstream: Upstream, path: Path, said: list[str]
):
    at(apply, upstream, path, 1)
    git(path, "remote", "set-url", "origin", f"https://ada:{SECRET}@host/x")
    (path / "file").write_text("mine")
    assert at(apply, upstream, path, 1) > 0
    assert at(apply, upstream, path, 1) == 0
    assert SECRET not in (path / ".git" / "config").read_text()
    assert (path / "file").read_text() == "mine", "no other commit is checked out"
    assert said == []


def test_credentials_in_a_clone_of_the_user_s_are_hers(
    apply: Apply, upstream: Upstream, path: Path
):
    subprocess.run(["git", "clone", "-q", str(upstream.path), str(path)], check=True)
    git(path, "remote", "set-url", "origin", "https://ada:token@host/x")
    assert at(apply, upstream, path, 1) == 0
    assert answer(Head, path=str(path)) == upstream.commits[1]
    assert git(path, "remote", "get-url", "origin") == "https://ada:token@host/x"
