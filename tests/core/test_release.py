"""From a git server's answer to one commit."""

import pytest

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.release import (
    Release,
    is_tag,
    moved,
    parse_refs,
    resolve_release,
    skipped,
)

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
# As git http-backend answers, with NULs made spaces.
ANSWER = [
    "001e# service=git-upload-pack",
    f"0000014a{A} HEAD multi_ack thin-pack symref=HEAD:refs/heads/master agent=git/2.39.5",
    f"003f{A} refs/heads/master",
    f"003d{B} refs/tags/v1.10.0",
    f"0040{C} refs/tags/v1.10.0^{{}}",
    f"003e{D} refs/tags/v1.9.9",
    f"003e{D} refs/tags/v2.0.0-pre",
    "0000",
]
REFS = parse_refs(ANSWER)


def test_an_annotated_tag_is_the_commit_that_it_points_at():
    assert REFS["refs/tags/v1.10.0"] == C
    assert REFS["refs/heads/master"] == A


def test_an_error_has_no_references():
    assert parse_refs(["curl: (6) Could not resolve host: nowhere"]) == {}


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("latest", Release("v1.10.0", C)),
        ("v1.9.9", Release("v1.9.9", D)),
        ("v2.0.0-pre", Release("v2.0.0-pre", D)),
        ("master", Release("master", A)),
        ("e" * 40, Release("e" * 12, "e" * 40)),
    ],
)
def test_a_version_is_a_release(version, release):
    assert resolve_release(version, REFS, {}) == release


def test_a_branch_with_a_slash_is_still_one_directory_name():
    assert resolve_release("fix/x", {"refs/heads/fix/x": A}, {}).label == "fix-x"


@pytest.mark.parametrize("version", ["v9.9.9", "1.9.9", "aaaaaaa"])
def test_an_unknown_version_is_refused_with_the_newest_there_is(version):
    with pytest.raises(UserError, match=rf"whisper_version: got '{version}'.*newest is v1\.10\.0"):
        resolve_release(version, REFS, {})


def test_a_repository_without_releases_has_no_latest():
    with pytest.raises(UserError, match="no release tag"):
        resolve_release("latest", {"refs/heads/master": A}, {})


def test_the_latest_is_one_without_known_defects():
    release = resolve_release("latest", REFS, {"v1.10.0": "miscompiles"})
    assert release.label == "v1.9.9"
    assert skipped(release, REFS, {"v1.10.0": "miscompiles", "v1.9.9": "too"}) == ["v1.10.0"]


def test_what_has_known_defects_can_still_be_asked_for():
    assert resolve_release("v1.10.0", REFS, {"v1.10.0": "miscompiles"}).label == "v1.10.0"


def test_a_repository_of_nothing_but_defects_has_no_latest():
    with pytest.raises(UserError, match=r"no release tag such as v1\.9\.1 without known defects"):
        resolve_release("latest", REFS, {"v1.10.0": "a", "v1.9.9": "b"})


@pytest.mark.parametrize(
    ("version", "refs", "tag"),
    [
        ("v1.10.0", REFS, True),
        ("v1.9.9", REFS, True),
        ("latest", REFS, True),
        ("master", REFS, False),
        ("e" * 40, REFS, False),
        ("fix/x", {"refs/tags/fix/x": A}, True),
        ("fix/x", {"refs/heads/fix/x": A, "refs/tags/fix-x": B}, False),
        # As for git, a tag counts before a branch of its name.
        ("v1", {"refs/heads/v1": A, "refs/tags/v1": B}, True),
    ],
)
def test_a_tag_is_told_from_what_moves_by_nature(version, refs, tag):
    assert is_tag(resolve_release(version, refs, {}), refs) == tag


@pytest.mark.parametrize(
    ("taken", "end"),
    [
        (False, "aaaaaaaaaaaa is kept; --data retry=yes takes the new commit"),
        (True, "the new commit is taken, as retry=yes says"),
    ],
)
def test_a_moved_tag_is_said_with_both_commits(taken, end):
    assert moved(Release("v1.9.1", B), A, taken) == (
        "v1.9.1 was aaaaaaaaaaaa before and is bbbbbbbbbbbb now: upstream moved the tag, or "
        f"whisper_repo is not upstream; {end}"
    )
