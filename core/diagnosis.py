"""Why a program does not use the GPU that it should use, and the command that mends it.

Nothing fails by itself when it does not: whisper.cpp goes on with the CPU.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.backend_log import Usage, usage
from core.gpu import Gpu
from core.layout import SERVER_UNIT
from core.reach import Closed, Reach

# As in the README: a virtual environment is on nobody's PATH.
DEPLOY_AGAIN = ".venv/bin/pyinfra inventory.py deploy.py"
EDIT_UNIT = f"systemctl --user edit {SERVER_UNIT} && systemctl --user restart {SERVER_UNIT}"
# What a program says that was built for another ROCm, or is run with half of one.
LIBRARY_GONE = re.compile(r"error while loading shared libraries: (\S+?):|undefined symbol: (\S+)")
# What HIP and rocBLAS say when they have no code for the GPU.
NO_CODE = re.compile(
    r"invalid device function|no kernel image|hipErrorNoBinaryForGpu|TensileLibrary"
    r"|device kernel image is invalid|No compatible code objects"
)
OUT_OF_MEMORY = re.compile(r"cudaMalloc failed: out of memory|hipErrorOutOfMemory")


@dataclass(frozen=True)
class Cause:
    """What is wrong, and the command that mends it; what else there is to do is its comment."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what}; to mend it: {self.mend}"


def diagnose(
    log: Iterable[str], reach: Reach, gpu: Gpu, user: str, changed: Sequence[str] = ()
) -> Cause | None:
    """Name the cause for which a program with this log does not use the chosen GPU as it should.

    None when it does. `changed` are packages of ROCm that are not those of the time of the build.
    """
    lines = list(log)
    used = usage(lines)
    if used.backend == "hip" and used.gfx == gpu.target:
        return _turned_down(lines, gpu)
    return (
        _library_gone(lines)
        or _not_built(used)
        or obstacle(reach, user)
        or _another_gpu(used, reach, gpu)
        or _turned_down(lines, gpu)
        or _changed(changed)
        or _unknown(lines, used)
    )


def obstacle(reach: Reach, user: str) -> Cause | None:
    """What keeps a program of the user's from the GPU's devices; None where nothing does."""
    return _hidden(reach) or _no_driver(reach) or _not_allowed(reach, user)


def _library_gone(lines: Sequence[str]) -> Cause | None:
    found = next((match for line in lines if (match := LIBRARY_GONE.search(line))), None)
    if not found:
        return None
    return Cause(f"ROCm changed under the binary: {found[1] or found[2]} is gone", DEPLOY_AGAIN)


def _not_built(used: Usage) -> Cause | None:
    if used.backend != "cpu" or used.hip_built:
        return None
    return Cause("the HIP backend is not in this build", DEPLOY_AGAIN)


def _hidden(reach: Reach) -> Cause | None:
    if not reach.hidden:
        return None
    by = f" ({', '.join(reach.settings)})" if reach.settings else ""
    return Cause(
        f"{SERVER_UNIT} hides {' and '.join(reach.hidden)} from its process{by}",
        f"{EDIT_UNIT}  # take out what hides devices",
    )


def _no_driver(reach: Reach) -> Cause | None:
    if not reach.missing:
        return None
    what = f"the kernel shows no {' and no '.join(reach.missing)}"
    if reach.driver:
        return Cause(f"{what}, though amdgpu is loaded", "sudo dmesg | grep -E 'amdgpu|kfd'")
    if not reach.modules:
        return Cause(
            f"{what}: amdgpu is not loaded, and the running kernel's modules are not installed any "
            "more, as after an upgrade of the kernel",
            "sudo reboot",
        )
    return Cause(f"{what}: amdgpu is not loaded", "sudo modprobe amdgpu")


def _not_allowed(reach: Reach, user: str) -> Cause | None:
    if not reach.closed:
        return None
    device = reach.closed[0]
    group = device.group
    what = f"{user} may not open {device.path} ({device.mode} {device.owner} {group})"
    if not _lets_group_in(device):
        return Cause(
            f"{what}: its permissions let no group in",
            f"sudo udevadm trigger --action=add {device.path}",
        )
    if group not in reach.member:
        return Cause(
            f"{what}: {user} is not in the group {group}",
            f"sudo usermod -aG {group} {user} && sudo reboot",
        )
    if group not in reach.groups:
        return Cause(
            f"{what}: {user} is in the group {group}, but {reach.asker} is from before that, and "
            "has no such group",
            # Where services run without a login, the manager stays when its user logs out.
            "sudo reboot",
        )
    return Cause(what, f"getfacl {device.path}")


def _lets_group_in(device: Closed) -> bool:
    return device.mode[4:6] == "rw" and device.group != "root"


def _another_gpu(used: Usage, reach: Reach, gpu: Gpu) -> Cause | None:
    pinned = (f"ROCR_VISIBLE_DEVICES={gpu.index}", f"HSA_OVERRIDE_GFX_VERSION={gpu.override}")
    mask = " and ".join(mask for mask in reach.masks if mask not in pinned)
    on_another = used.backend == "hip" and used.gfx != gpu.target
    if mask and (on_another or used.backend == "cpu"):
        return Cause(f"{mask} hides {gpu.label}", f"{EDIT_UNIT}  # take out {mask}")
    if on_another:
        return Cause("nothing kept it to that GPU", f"{DEPLOY_AGAIN}  # it pins the GPU")
    return None


def _turned_down(lines: Sequence[str], gpu: Gpu) -> Cause | None:
    for line in lines:
        if OUT_OF_MEMORY.search(line):
            return Cause(
                f"{gpu.label} has too little memory free: {line.strip()[:120]}",
                "rocm-smi --showpids  # end what else uses it, or choose a smaller whisper_model",
            )
        if NO_CODE.search(line):
            return Cause(
                f"there is no code for {gpu.target} in the build or in ROCm: {line.strip()[:120]}",
                f"sudo pacman -Syu && {DEPLOY_AGAIN} --data gpu_targets=auto",
            )
    return None


def _changed(changed: Sequence[str]) -> Cause | None:
    if not changed:
        return None
    return Cause(f"ROCm changed under the binary: now {', '.join(changed)}", DEPLOY_AGAIN)


def _unknown(lines: Sequence[str], used: Usage) -> Cause:
    said = used.line or next(iter(line.strip() for line in reversed(lines) if line.strip()), "")
    return Cause(
        f"ROCm does not take the GPU: {said[:160]}" if said else "its log does not say why",
        "/opt/rocm/bin/rocminfo; sudo dmesg | grep -E 'amdgpu|kfd'  # what ROCm and the kernel say",
    )
