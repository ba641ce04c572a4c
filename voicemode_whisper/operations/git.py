"""Git checkouts that stand at one commit."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core.urls import Login
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.git import CreatedByDeploy, Head
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.operations.util.progress import WithProgress, with_lock, with_progress
from voicemode_whisper.scripts import script

# whisper.cpp's CMake writes this file of its own checkout at every configure.
GENERATED = "bindings/javascript/package.json"
# git would wait for ever for a host that says nothing more.
SILENT_FOR_A_MINUTE = "-c http.lowSpeedLimit=1000 -c http.lowSpeedTime=60"


# What git asks for the credentials that with-login.sh has read. It asks as `sh -c '… get'`.
HELPER = """!printf 'username=%s\\npassword=%s\\n' "$DEPLOY_USERNAME" "$DEPLOY_PASSWORD" #"""


@operation()
def checkout(
    repo: str, commit: str, path: str, login: Login | None = None
) -> Generator[StringCommand]:
    """Bring `path` to one commit, fetching that commit alone.

    `path` may be an existing clone, shallow or full, or a directory with files of its own. What is
    the user's there is set aside and said to be: changes to tracked files in git's stash, commits
    that no branch has on one, files in the way of new ones as FILE.by-hand.

    + repo: URL to fetch from, without credentials
    + commit: full commit id
    + path: directory of the checkout; that above it exists
    + login: the credentials for it; they are in no command line and no file
    """
    if read_fact(host, Head, path=path) == commit:
        host.noop(f"{path} is at {commit[:12]}")
        return
    parent = path.rpartition("/")[0]
    git = StringCommand("git -C", QuoteString(path))
    yield with_lock(parent, WithProgress(script("prepare-checkout", path, repo)))
    fetch = _fetch(git, repo, commit, login)
    is_there = StringCommand(git, f"cat-file -e '{commit}^{{commit}}' 2>/dev/null")
    locked = script("with-lock", parent)
    yield WithProgress(is_there, "||", locked, fetch, **fetch.connector_arguments)
    yield with_lock(parent, WithProgress(script("set-aside", path, GENERATED, commit)))
    move = ("git", "-C", path, "checkout", "-q", "--progress", "--detach", commit)
    yield with_lock(parent, with_progress(*move))
    yield StringCommand(
        git, "config deploy.commit", commit, "&&", git, "config --unset deploy.moving"
    )


def _fetch(git: StringCommand, repo: str, commit: str, login: Login | None) -> StringCommand:
    # A full clone stays one: --depth would cut its history.
    words = (
        f"fetch --progress --no-tags $({git} rev-parse -q --verify HEAD >/dev/null &&"
        f" [ $({git} rev-parse --is-shallow-repository) = false ] || echo --depth 1)",
        QuoteString(repo), commit,
    )  # fmt: skip
    through = script("with-proxies", repo)
    git = StringCommand(script("with-progress"), through, git, SILENT_FOR_A_MINUTE)
    if login is None:
        return StringCommand(git, *words)
    # For this host alone, and nobody else is asked.
    helper = QuoteString(f"credential.{'/'.join(repo.split('/')[:3])}.helper={HELPER}")
    asking = StringCommand(script("with-login"), git, "-c credential.helper= -c", helper)
    return StringCommand(asking, *words, _stdin=login.for_git)


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
