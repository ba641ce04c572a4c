"""What a card draws and how busy it is, and whether that is more than before the service."""

from dataclasses import asdict, dataclass

from voicemode_whisper.core.gpu import Gpu

# A desktop keeps a card at a few percent; what computes takes all of it.
IDLE_PERCENT = 5
# An idle card's watts go up and down by some with what the desktop shows, and by a few with the
# temperature. Where a HIP context keeps the clocks up they were 30 and then 70 (ollama issue 738),
# 20 and then 100 (ROCm issue 2777): a third and 10 W lie well between, for small cards too.
MORE_WATTS, MORE_TIMES = 10, 4 / 3


@dataclass(frozen=True)
class Power:
    """What a GPU draws, in watts, and how busy it is, in percent; None where that is not known."""

    watts: float | None = None
    busy: int | None = None

    to_json = asdict  # for `pyinfra … fact`


def parse_power(line: str) -> Power:
    """Read `MICROWATTS PERCENT`, as gpu-power.sh prints it; - is what the kernel does not say."""
    microwatts, percent = line.split()
    return Power(
        None if microwatts == "-" else int(microwatts) / 1e6,
        None if percent == "-" else int(percent),
    )


def sysfs_device(pci: str, gpu: Gpu | None) -> str:
    """The directory of a GPU in that of the kernel's PCI devices; empty where it is not known."""
    return f"{pci}/{gpu.address}" if gpu and gpu.address else ""


def idle_watts(power: Power, gpu: Gpu) -> float | None:
    """What the idle card draws; None where it is busy, or nobody knows.

    That of integrated graphics is not known: what the kernel says of them is the whole processor's
    (docs.kernel.org/gpu/amdgpu/thermal.html), and changes with all that runs there.
    """
    idle = power.busy is not None and power.busy <= IDLE_PERCENT
    return power.watts if idle and not gpu.integrated else None


def draws_more(watts: float | None, before: float | None) -> bool:
    """Whether an idle card draws clearly more than it did before; not where one is not known."""
    if watts is None or before is None:
        return False
    return watts > before + MORE_WATTS and watts > before * MORE_TIMES
