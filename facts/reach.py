"""How far a program on the host gets towards the GPU."""

from collections.abc import Iterable

from pyinfra.api import FactBase, QuoteString, StringCommand

from core.reach import Reach, parse_reach
from facts.user_unit import SYSTEMCTL

# Prints what core/reach.py reads, for a program that it is itself; $1 is the user.
HERE = """
for device in /dev/kfd /dev/dri/renderD*; do
  if [ ! -e "$device" ]; then echo "missing $device"
  elif [ ! -r "$device" ] || [ ! -w "$device" ]; then stat -c 'closed %n %A %U %G' "$device"
  fi
done
echo "groups $(id -nG)"
echo "member $(id -nG "$1")"
[ -d /sys/module/amdgpu ] || echo 'without driver'
[ -d "/usr/lib/modules/$(uname -r)" ] || echo 'without modules'
"""
# What only the process $1 of a unit can tell. Settings that hide devices make a mount namespace.
PROCESS = """
[ -e "/proc/$1/root" ] || exit 0
for device in /dev/kfd /dev/dri/renderD*; do
  [ ! -e "$device" ] || [ "$device" -ef "/proc/$1/root$device" ] || echo "hidden $device"
done
tr '\\0' '\\n' < "/proc/$1/environ" |
  grep -E '^([A-Z]+_VISIBLE_DEVICES|GPU_DEVICE_ORDINAL|HSA_OVERRIDE_GFX_VERSION)=' |
  sed 's/^/mask /'
"""
SETTINGS = "PrivateDevices,RootDirectory,RootImage,InaccessiblePaths,TemporaryFileSystem"


class FromHere(FactBase[Reach]):
    """How far a program gets that this connection starts, as the gate's are."""

    default = Reach

    def command(self, user: str) -> StringCommand:
        return StringCommand("sh -c", QuoteString(HERE), "sh", QuoteString(user))

    def process(self, output: Iterable[str]) -> Reach:
        return parse_reach(output, "this connection")


class FromUnit(FactBase[Reach]):
    """How far the process `pid` of a user's unit gets.

    What rights it has is tried by a process that the same manager starts.
    """

    default = Reach

    def command(self, user: str, unit: str, pid: int) -> StringCommand:
        start = SYSTEMCTL.replace("systemctl", "systemd-run")
        return StringCommand(
            f"{start} -q --pipe --wait --collect sh -c", QuoteString(HERE), "sh", QuoteString(user),
            "2>/dev/null; sh -c", QuoteString(PROCESS), f"sh {pid} 2>/dev/null;",
            f"{SYSTEMCTL} show -p {SETTINGS}", QuoteString(unit),
            "2>/dev/null | grep -Ev '=(no)?$' | sed 's/^/setting /'; true",
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> Reach:
        return parse_reach(output)
