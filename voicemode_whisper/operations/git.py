"""Git checkouts that stand at one commit."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.git import CreatedByDeploy, Head
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.progress import WithProgress, with_lock, with_progress
from voicemode_whisper.scripts import script

# whisper.cpp's CMake writes this file of its own checkout at every configure.
GENERATED = "bindings/javascript/package.json"
# git would wait for ever for a host that says nothing more.
SILENT_FOR_A_MINUTE = "-c http.lowSpeedLimit=1000 -c http.lowSpeedTime=60"


@operation()
def checkout(repo: str, commit: str, path: str) -> Generator[StringCommand]:
    """Bring `path` to one commit, fetching that commit alone.

    `path` may be an existing clone, shallow or full, or a directory with files of its own. What is
    the user's there is set aside and said to be: changes to tracked files in git's stash, commits
    that no branch has on one, files in the way of new ones as FILE.by-hand.

    + repo: URL to fetch from
    + commit: full commit id
    + path: directory of the checkout; that above it exists
    """
    if read_fact(host, Head, path=path) == commit:
        host.noop(f"{path} is at {commit[:12]}")
        return
    parent = path.rpartition("/")[0]
    git = StringCommand("git -C", QuoteString(path))
    yield with_lock(parent, WithProgress(script("prepare-checkout", path, repo)))
    # A full clone stays one: --depth would cut its history.
    yield WithProgress(
        git, f"cat-file -e '{commit}^{{commit}}' 2>/dev/null ||", script("with-lock", parent),
        script("with-progress"), script("with-proxies", repo), git, SILENT_FOR_A_MINUTE,
        f"fetch --progress --no-tags $({git} rev-parse -q --verify HEAD >/dev/null &&"
        f" [ $({git} rev-parse --is-shallow-repository) = false ] || echo --depth 1)",
        QuoteString(repo), commit,
    )  # fmt: skip
    yield with_lock(parent, WithProgress(script("set-aside", path, GENERATED, commit)))
    move = ("git", "-C", path, "checkout", "-q", "--progress", "--detach", commit)
    yield with_lock(parent, with_progress(*move))
    yield StringCommand(
        git, "config deploy.commit", commit, "&&", git, "config --unset deploy.moving"
    )


@operation()
def absent(path: str) -> Generator[StringCommand]:
    """Remove a checkout that `checkout` made; one that was there before stays.

    So does what is not git's in it, or was changed by hand.

    + path: directory of the checkout
    """
    if not read_fact(host, CreatedByDeploy, path=path):
        host.noop(f"{path} is not the deploy's")
        return
    yield WithProgress(script("remove-checkout", path, GENERATED))
