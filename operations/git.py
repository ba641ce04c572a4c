"""Git checkouts that stand at one commit."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from facts.git import Head
from operations.scripts import script
from operations.shown import Shown

# whisper.cpp's CMake writes this file of its own checkout at every configure.
GENERATED = "bindings/javascript/package.json"


@operation()
def checkout(repo: str, commit: str, path: str) -> Generator[StringCommand]:
    """Bring `path` to one commit, fetching that commit alone.

    `path` may be an existing clone, shallow or full, or a directory with files of its own. Changes
    to tracked files are set aside in git's stash, and said to be.

    + repo: URL to fetch from
    + commit: full commit id
    + path: directory of the checkout
    """
    if host.get_fact(Head, path=path) == commit:
        host.noop(f"{path} is at {commit[:12]}")
        return
    git = StringCommand("git -C", QuoteString(path))
    yield StringCommand("git init -q", QuoteString(path))
    yield StringCommand(
        git,
        "remote get-url origin >/dev/null 2>&1 ||",
        git,
        "remote add origin",
        QuoteString(repo),
    )
    # A full clone stays one: --depth would cut its history.
    yield StringCommand(
        git, f"cat-file -e '{commit}^{{commit}}' 2>/dev/null ||", git,
        f"fetch -q --no-tags $({git} rev-parse -q --verify HEAD >/dev/null &&"
        f" [ $({git} rev-parse --is-shallow-repository) = false ] || echo --depth 1)",
        QuoteString(repo), commit,
    )  # fmt: skip
    yield Shown(script("set-aside", path, GENERATED, f"local changes before {commit[:12]}"))
    yield StringCommand(git, f"checkout -q --detach {commit}")
