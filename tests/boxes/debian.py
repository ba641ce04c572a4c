"""The part of the root filesystem that Debian makes, and apt used from outside it."""

from __future__ import annotations

import shutil
from pathlib import Path

from .shell import BoxError, run

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# debootstrap's recipe for every suite; it knows those by name alone that are older than itself.
SCRIPT = Path("/usr/share/debootstrap/scripts/sid")

# What Arch's `base` has too (curl because pacman needs it). No compiler, cmake, make, git, ninja,
# ccache, ffmpeg or Python: a deploy has to bring those, through pacman.
PACKAGES = (
    "acl", "bzip2", "ca-certificates", "curl", "dbus", "dbus-user-session", "file", "gawk",
    "iproute2", "libpam-systemd", "openssh-server", "pacman-package-manager", "pciutils",
    "procps", "psmisc", "sudo", "systemd", "systemd-sysv", "xz-utils",
)  # fmt: skip


def mirror() -> str:
    """The Debian mirror in this machine's own apt configuration."""
    fields = "$(SITE) $(COMPONENT)"
    lines = run("apt-get", "indextargets", "--format", fields, "Created-By: Packages").splitlines()
    sites = [line.split()[0] for line in lines if line.endswith(" main") and "security" not in line]
    if not sites:
        raise BoxError("apt has no source with component main on this machine")
    return sites[0]


def build(target: Path, suite: str) -> None:
    """Make the root filesystem in `target`: Debian's files in Arch's layout, without apt."""
    include = "--include=" + ",".join(PACKAGES)
    options = ("--variant=minbase", f"--keyring={KEYRING}", include)
    run("debootstrap", *options, suite, target, mirror(), SCRIPT)
    _forget_debian(target)
    _merge_sbin(target / "usr")


def _forget_debian(root: Path) -> None:
    """Remove what a deploy could use, or mistake the box, by accident.

    dpkg's list of what is installed stays: the pacman repository is made from it.
    """
    programs = [*root.glob("usr/bin/apt*"), *root.glob("usr/bin/dpkg*")]
    units = root.glob("usr/lib/systemd/system/*apt-daily*")
    keys = root.glob("etc/ssh/ssh_host_*")
    for path in (*programs, *units, *keys, root / "etc/debian_version", root / "etc/motd"):
        path.unlink(missing_ok=True)
    for name in (
        "etc/apt",
        "etc/systemd/system/timers.target.wants",
        "var/cache/apt",
        "var/lib/apt",
    ):
        shutil.rmtree(root / name, ignore_errors=True)


def _merge_sbin(usr: Path) -> None:
    """Make /usr/sbin a link to bin, as it is on Arch."""
    for program in (usr / "sbin").iterdir():
        if (usr / "bin" / program.name).exists():
            program.unlink()
        else:
            program.rename(usr / "bin" / program.name)
    (usr / "sbin").rmdir()
    (usr / "sbin").symlink_to("bin")


def download(root: Path, suite: str, names: tuple[str, ...], work: Path) -> list[Path]:
    """Fetch the .deb files that a root of that suite lacks to have the named packages.

    apt runs outside, with this machine's way to the mirror, and only looks at the
    root's list of installed packages.
    """
    apt = _apt(suite, root / "var/lib/dpkg/status", work)
    run(*apt, "--no-install-recommends", "--download-only", "install", *names)
    return sorted((work / "archives").glob("*.deb"))


def download_all(suite: str, names: tuple[str, ...], without: str, work: Path) -> list[Path]:
    """Fetch the .deb files of packages and of all that they need, but for the package `without`.

    They are for unpacking into an empty directory.
    """
    status = work.with_name(work.name + ".status")
    status.write_text("")
    apt = _apt(suite, status, work)
    plan = run(*apt, "--no-install-recommends", "--simulate", "install", *names)
    needed = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    run(*apt, "download", *(name for name in needed if name != without), cwd=work / "archives")
    status.unlink()
    return sorted((work / "archives").glob("*.deb"))


def _apt(suite: str, status: Path, work: Path) -> tuple[str, ...]:
    """apt-get with that suite's packages, and what dpkg says is installed; its lists are new."""
    for directory in ("archives/partial", "lists/partial"):
        (work / directory).mkdir(parents=True)
    source = f"deb [signed-by={KEYRING}] {mirror()} {suite} main\n"
    (work / "sources.list").write_text(source)
    apt = ("apt-get", "-qq", "--yes", *_apt_options(status, work))
    run(*apt, "update")
    return apt


def _apt_options(status: Path, work: Path) -> list[str]:
    settings = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::State::Lists": work / "lists",
        "Dir::State::status": status,
        "Dir::Cache::Archives": work / "archives",
        "APT::Sandbox::User": "root",
    }
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
