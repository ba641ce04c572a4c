"""What boxes need of the outer machine, and how to say or install what is missing."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from pathlib import Path

from .debian import KEYRING
from .machine import hierarchies
from .shell import BoxError, run, say

# program or file: the Debian package that has it
NEEDED = {
    "chromium": "chromium",
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ffmpeg": "ffmpeg",
    "git": "git",
    "ip": "iproute2",
    "mount": "mount",
    "npm": "npm",
    "ssh": "openssh-client",
    "zstd": "zstd",
    "/usr/sbin/haproxy": "haproxy",
    str(KEYRING): "debian-archive-keyring",
}


def missing() -> list[str]:
    """Debian packages that boxes need and this machine lacks."""
    return sorted(
        {
            package
            for what, package in NEEDED.items()
            if not shutil.which(what) and not Path(what).is_file()
        }
    )


def unusable() -> str | None:
    """Why boxes can never run here whatever is installed, in one line; None if they can."""
    if os.geteuid() != 0:
        return "boxes need root: they are mounts, namespaces and control groups"
    if platform.freedesktop_os_release().get("ID") != "debian":
        return "boxes need Debian: their root filesystem comes through its apt"
    if platform.machine() != "x86_64":
        return "boxes need x86_64"
    if subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True).returncode:
        return "boxes need namespaces: run where root has CAP_SYS_ADMIN and CAP_NET_ADMIN"
    groups = hierarchies()
    if not groups or not all(os.access(path, os.W_OK) for path in groups):
        return "boxes need control groups (cgroup2) that root can write to"
    return None


def install() -> None:
    """Install the missing packages; fetch apt's lists only if it does not know them."""
    wanted = missing()
    if not wanted:
        return
    say(f"installing {' '.join(wanted)}")
    command = ("apt-get", "install", "--yes", "--no-install-recommends", *wanted)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(*command, env=environment)
    except BoxError:
        run("apt-get", "update", env=environment)
        run(*command, env=environment)


def ensure() -> None:
    """Make this machine able to run boxes, or say what stands against it."""
    reason = unusable()
    if reason:
        raise BoxError(reason)
    try:
        install()
    except BoxError as error:
        packages = " ".join(missing())
        raise BoxError(f"missing: apt-get install {packages} ({error})") from error
