"""pacman's formats: a package's .PKGINFO, and the repository's database.

Formats: alpm-pkginfo(5), and alpm's sync database, a .tar.gz with one
`NAME-VERSION/desc` a package, whose fields are `%KEY%` lines with their values below.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

ARCHITECTURE = "x86_64"


@dataclass(frozen=True)
class Package:
    """What pacman knows of a package."""

    name: str
    version: str  # with pacman's release number: 1.2-1
    description: str
    depends: tuple[str, ...] = ()
    size: int = 0  # bytes when installed

    @property
    def filename(self) -> str:
        """The name of its file in the repository."""
        return f"{self.name}-{self.version}-{ARCHITECTURE}.pkg.tar.zst"


def version(debian: str) -> str:
    """pacman's form of a Debian version: no epoch, and one hyphen, before the release.

    >>> version("7:7.1.1-1+b1~deb")
    '7.1.1.1+b1.deb-1'
    """
    upstream = debian.partition(":")[2] or debian
    return re.sub(r"[^A-Za-z0-9.+_]", ".", upstream) + "-1"


def depends(field: str, names: Collection[str], provides: Mapping[str, str]) -> tuple[str, ...]:
    """The packages of the set that a Debian Depends field asks for.

    Of alternatives the first that is in the set counts, by its own name or through
    `provides` (virtual name to package). What is not in the set, the root has.

    >>> depends("libc6 (>= 2.38), c-compiler | gcc:any", {"gcc"}, {})
    ('gcc',)
    """
    found: dict[str, None] = {}
    for group in field.split(","):
        words = (re.split(r"[\s(:\[]", choice.strip())[0] for choice in group.split("|"))
        known = (word if word in names else provides.get(word) for word in words)
        if name := next(filter(None, known), None):
            found[name] = None
    return tuple(found)


def pkginfo(package: Package) -> str:
    """The text of a package's .PKGINFO."""
    fields = [
        ("pkgname", package.name),
        ("pkgbase", package.name),
        ("pkgver", package.version),
        ("pkgdesc", package.description),
        ("builddate", "1"),
        ("packager", "boxes"),
        ("size", str(package.size)),
        ("arch", ARCHITECTURE),
        ("license", "custom"),
        *(("depend", name) for name in package.depends),
    ]
    return "".join(f"{key} = {value}\n" for key, value in fields)


def desc(package: Package, compressed: int, sha256: str) -> str:
    """The text of a package's entry in the database; `compressed` is its file's bytes."""
    fields: dict[str, Iterable[str]] = {
        "FILENAME": [package.filename],
        "NAME": [package.name],
        "BASE": [package.name],
        "VERSION": [package.version],
        "DESC": [package.description],
        "CSIZE": [str(compressed)],
        "ISIZE": [str(package.size)],
        "SHA256SUM": [sha256],
        "LICENSE": ["custom"],
        "ARCH": [ARCHITECTURE],
        "BUILDDATE": ["1"],
        "PACKAGER": ["boxes"],
        "DEPENDS": package.depends,
    }
    entries = ((key, "\n".join(values)) for key, values in fields.items())
    return "".join(f"%{key}%\n{text}\n\n" for key, text in entries if text)


def installed_path(path: str) -> str | None:
    """Where Arch has a file of a .deb, or None for the top directories that are links there.

    >>> installed_path("./lib/x86_64-linux-gnu/libz.so.1")
    'usr/lib/x86_64-linux-gnu/libz.so.1'
    >>> installed_path("./usr/sbin/ldconfig")
    'usr/bin/ldconfig'
    """
    path = path.removeprefix("./").strip("/")
    if path in ("", ".", "bin", "lib", "lib64", "sbin", "usr/sbin"):
        return None
    if path.startswith(("bin/", "lib/", "lib64/", "sbin/")):
        path = f"usr/{path}"
    return re.sub("^usr/sbin/", "usr/bin/", path)
