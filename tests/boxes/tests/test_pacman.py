"""pacman's formats, out of Debian's."""

import doctest

import pytest

from tests.boxes import pacman
from tests.boxes.pacman import Package

GIT = Package("git", "2.47.3-1", "fast version control", ("perl", "libcurl"), 2048)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(pacman).failed == 0


@pytest.mark.parametrize(
    ("debian", "expected"),
    [
        ("1.2", "1.2-1"),
        ("1.2-3", "1.2.3-1"),
        ("7:7.1.1-1+deb13u1", "7.1.1.1+deb13u1-1"),
        ("1.0~rc1", "1.0.rc1-1"),
    ],
)
def test_a_version_has_one_hyphen_and_no_epoch(debian: str, expected: str) -> None:
    assert pacman.version(debian) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("", ()),
        ("libc6 (>= 2.38)", ()),
        ("perl:any, perl", ("perl",)),
        ("mail-agent | perl", ("perl",)),
        ("perl [amd64], make(>= 4)", ("perl", "make")),
        ("c-compiler", ("gcc",)),
        ("libc6 | perl", ("perl",)),
    ],
)
def test_dependencies_stay_within_the_set(field: str, expected: tuple[str, ...]) -> None:
    assert pacman.depends(field, {"perl", "make", "gcc"}, {"c-compiler": "gcc"}) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("./", None),
        ("./lib/", None),
        ("./usr/sbin/", None),
        ("./bin/sh", "usr/bin/sh"),
        ("./sbin/ldconfig", "usr/bin/ldconfig"),
        ("./usr/lib/x/", "usr/lib/x"),
        ("./etc/git/config", "etc/git/config"),
    ],
)
def test_files_go_where_arch_has_them(path: str, expected: str | None) -> None:
    assert pacman.installed_path(path) == expected


def test_pkginfo_names_every_dependency() -> None:
    lines = pacman.pkginfo(GIT).splitlines()
    assert lines[:3] == ["pkgname = git", "pkgbase = git", "pkgver = 2.47.3-1"]
    assert lines[-2:] == ["depend = perl", "depend = libcurl"]


def test_desc_has_a_block_a_field_and_none_for_no_dependencies() -> None:
    text = pacman.desc(GIT, 7, "ab")
    assert text.startswith("%FILENAME%\ngit-2.47.3-1-x86_64.pkg.tar.zst\n\n%NAME%\ngit\n\n")
    assert text.endswith("%DEPENDS%\nperl\nlibcurl\n\n")
    assert "%CSIZE%\n7\n" in text
    assert "DEPENDS" not in pacman.desc(Package("a", "1-1", "b"), 7, "ab")
