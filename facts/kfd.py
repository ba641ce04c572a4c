"""AMD GPUs, from the kernel alone: nothing of ROCm need be installed."""

from collections.abc import Iterable

from pyinfra.api import FactBase, QuoteString, StringCommand

from core.gpu import Gpu, parse_topology

# The names that libdrm knows, as DEVICE,<tab>REVISION,<tab>NAME in hexadecimal digits.
NAMES = "/usr/share/libdrm/amdgpu.ids"


class Gpus(FactBase[list[Gpu]]):
    """The AMD GPUs that the kernel can compute on, from KFD's topology in sysfs.

    `kfd` is KFD's directory, /sys/class/kfd/kfd.
    """

    default = list

    def command(self, kfd: str) -> StringCommand:
        keys = "gfx_target_version|domain|location_id|heap_type|size_in_bytes"
        return StringCommand(
            f"grep -rHE '^({keys}) ' --include=properties", QuoteString(f"{kfd}/topology/nodes"),
            "2>/dev/null; for device in /sys/bus/pci/devices/*; do",
            "case $(cat $device/vendor $device/class 2>/dev/null | tr '\\n' ' ') in"
            " '0x1002 0x03'*) id=$(cut -c3- $device/device); rev=$(cut -c3- $device/revision);",
            'echo "pci ${device##*/}'
            f' $(grep -i "^$id,[[:space:]]*$rev," {NAMES} 2>/dev/null | cut -f3)";;',
            "esac; done; true",
        )  # fmt: skip

    def process(self, output: Iterable[str]) -> list[Gpu]:
        return parse_topology(output)


class Memory(FactBase[int | None]):
    """Bytes of GPU memory that the kernel accounts to a process; None where it does not account.

    A process that has not opened /dev/kfd has none. What a processor's graphics use is the
    machine's memory, which is not counted. KFD numbers processes as the host does: in a container,
    where it names some that are not there, nothing is known.
    """

    def command(self, kfd: str, pid: int) -> StringCommand:
        return StringCommand(
            StringCommand("p=", QuoteString(f"{kfd}/proc"), ";", _separator=""),
            '[ -d "$p" ] || exit 0; for user in "$p"/*; do',
            '[ ! -e "$user" ] || [ -e "/proc/${user##*/}" ] || exit 0; done;',
            f'cat "$p"/{pid}/vram_* 2>/dev/null |',
            "awk '{ sum += $1 } END { printf \"%d\\n\", sum }'",
        )

    def process(self, output: Iterable[str]) -> int | None:
        return next(map(int, output), None)
