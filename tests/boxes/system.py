"""The layer over Debian's files that makes them a CachyOS machine with two users."""

from __future__ import annotations

from pathlib import Path

from . import ssh
from .overlay import mounted
from .shell import run

BOX_PASSWORD = "correct horse battery"  # grace's, whom sudo asks
SOURCES_HOST = "sources"  # the outer machine, in each box's /etc/hosts
SOURCES_PORT = 8642
SOURCES = f"http://{SOURCES_HOST}:{SOURCES_PORT}"
CCACHE_ON_BOX = "/var/cache/ccache"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/bin"

# As CachyOS has it, down to the order.
OS_RELEASE = """\
NAME="CachyOS Linux"
PRETTY_NAME="CachyOS"
ID=cachyos
ID_LIKE=arch
BUILD_ID=rolling
ANSI_COLOR="38;2;23;147;209"
LOGO=cachyos
"""

PACMAN_CONF = """\
[options]
Architecture = x86_64
SigLevel = Never
DisableSandbox

[cachyos]
Server = {repository}
"""

PIP_CONF = f"""\
[global]
no-index = true
find-links = {{wheels}}/
trusted-host = {SOURCES_HOST}
disable-pip-version-check = true
"""

# One cache for all boxes and homes, on the outer machine, so that only the first build is slow.
CCACHE_CONF = f"""\
base_dir = /home
hash_dir = false
cache_dir = {CCACHE_ON_BOX}
umask = 000
max_size = 2G
"""

# whisper.cpp's threads wait for each other by spinning, in which they are alone on a machine that
# has a core for each of them. Where boxes share the cores it takes six times as long.
SHARING = "OMP_WAIT_POLICY=passive"

USER_MANAGER_CONF = f"""\
[Manager]
DefaultEnvironment={SHARING}
"""

# Penalties and the limit on unauthenticated connections would hit tests that
# knock while a box boots.
SSHD_CONF = f"""\
HostKey /etc/ssh/ssh_host_ed25519_key
MaxSessions 100
MaxStartups 100
PerSourcePenalties no
PrintMotd no
SetEnv PATH={PATH} {SHARING}
"""

# Debian's, less its umask of 002 for users who have a group of their own.
PAM_SESSION = """\
session required pam_permit.so
session required pam_unix.so
session optional pam_umask.so umask=022 nousergroups
session optional pam_systemd.so
"""

# As Arch's: bash reads /etc/bash.bashrc by itself when it is not a login shell.
PROFILE = f"""\
PATH={PATH}
export PATH
umask 022
for file in /etc/profile.d/*.sh; do
  [ -r "$file" ] && . "$file"
done
unset file
"""

# path on the box: (mode, text)
FILES: dict[str, tuple[int, str]] = {
    "usr/lib/os-release": (0o644, OS_RELEASE),
    "etc/arch-release": (0o644, ""),
    # An empty database, without which an ordinary user cannot ask pacman anything.
    "var/lib/pacman/local/ALPM_DB_VERSION": (0o644, "9\n"),
    "etc/ccache.conf": (0o644, CCACHE_CONF),
    "etc/profile": (0o644, PROFILE),
    "etc/pam.d/common-session": (0o644, PAM_SESSION),
    "etc/locale.conf": (0o644, "LANG=C.UTF-8\n"),
    "etc/default/locale": (0o644, "LANG=C.UTF-8\n"),
    # With no server named, the resolver asks this machine, which refuses at once.
    "etc/resolv.conf": (0o644, "# No name server: a box knows only /etc/hosts.\n"),
    "etc/systemd/user.conf.d/10-box.conf": (0o644, USER_MANAGER_CONF),
    "etc/ssh/sshd_config.d/10-box.conf": (0o644, SSHD_CONF),
    "etc/sudoers.d/10-box": (0o440, "ada ALL=(ALL:ALL) NOPASSWD: ALL\ngrace ALL=(ALL:ALL) ALL\n"),
}

# user: mode of the home directory
USERS = {"ada": 0o700, "grace": 0o755}


def build(target: Path, debian: Path, suffix: str) -> None:
    """Make the layer in `target`, over the root filesystem in `debian`.

    Packages come from the sources' /pacman and /wheels, each name with `suffix`.
    """
    root = target.with_name(target.name + ".root")
    work = target.with_name(target.name + ".work")
    target.mkdir()
    with mounted(root, [debian], target, work):
        for path, (mode, text) in {**FILES, **_sources(suffix)}.items():
            _write(root / path, text, mode)
        _write(root / "etc/ssh/ssh_host_ed25519_key", ssh.HOST_KEY.read_text(), 0o600)
        for path in ("var/log/journal", CCACHE_ON_BOX.lstrip("/")):
            (root / path).mkdir(parents=True, exist_ok=True)
        _add_users(root)


def _sources(suffix: str) -> dict[str, tuple[int, str]]:
    """The files that say where packages come from, as FILES."""
    pacman = PACMAN_CONF.format(repository=f"{SOURCES}/pacman{suffix}")
    pip = PIP_CONF.format(wheels=f"{SOURCES}/wheels{suffix}")
    return {"etc/pacman.conf": (0o644, pacman), "etc/pip.conf": (0o644, pip)}


def _add_users(root: Path) -> None:
    """Arch's groups, the two users, and the key that lets one in as them or as root."""
    run("chroot", root, "groupadd", "--force", "--system", "render")
    for name, mode in USERS.items():
        run("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", name)
        (root / "home" / name).chmod(mode)
        _authorise(root, f"home/{name}", name)
    _authorise(root, "root", "root")
    run("chroot", root, "chpasswd", input=f"grace:{BOX_PASSWORD}\n")


def _authorise(root: Path, home: str, user: str) -> None:
    directory = root / home / ".ssh"
    directory.mkdir(mode=0o700, exist_ok=True)
    _write(directory / "authorized_keys", ssh.PUBLIC_KEY.read_text(), 0o600)
    run("chroot", root, "chown", "-R", f"{user}:{user}", f"/{home}/.ssh")


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(mode)
