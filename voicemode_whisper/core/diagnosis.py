"""Why a program does not use the GPU that it should use, and the command that fixes it.

Nothing fails by itself when it does not: whisper.cpp goes on with the CPU.
"""

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from voicemode_whisper.core.backend_log import BAD_INDEX, Usage, usage
from voicemode_whisper.core.build import vulkan_driver
from voicemode_whisper.core.device_access import (
    Device,
    DeviceAccess,
    groups_with_access,
    may_open,
    without_kfd,
)
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.layout import SERVER_UNIT
from voicemode_whisper.core.vulkan import VulkanDevice

# As in the README: a virtual environment is on nobody's PATH.
DEPLOY_AGAIN = ".venv/bin/pyinfra inventory.py deploy.py"
EDIT_UNIT = f"systemctl --user edit {SERVER_UNIT} && systemctl --user restart {SERVER_UNIT}"
# What a program says that was built for other libraries, or is run with half of them.
MISSING_LIBRARY = re.compile(
    r"error while loading shared libraries: (\S+?):|undefined symbol: (\S+)"
)
# What HIP and rocBLAS say when they have no code for the GPU.
NO_DEVICE_CODE = re.compile(
    r"invalid device function|no kernel image|hipErrorNoBinaryForGpu|TensileLibrary"
    r"|device kernel image is invalid|No compatible code objects"
)
# HIP's words for it, and those of Vulkan.
OUT_OF_MEMORY = re.compile(
    r"cudaMalloc failed: out of memory|hipErrorOutOfMemory|ErrorOutOfDeviceMemory"
    r"|ggml_vulkan: Device memory allocation of size \d+ failed"
)
DEVICE_LOST = re.compile(r"ErrorDeviceLost|the context is lost")
# What older cards lack that ggml-vulkan needs.
UNSUPPORTED = re.compile(r"does not support 16-bit storage")


@dataclass(frozen=True)
class Finding:
    """What is wrong, and the command that fixes it; what else there is to do is its comment.

    `of_build` is whether the build is at fault, and not the machine, which may be well tomorrow;
    `of_backend` whether one of another backend may be well on the machine all the same.
    """

    what: str
    fix: str
    of_build: bool = False
    of_backend: bool = False

    def __str__(self) -> str:
        return f"{self.what}; fix: {self.fix}"


@dataclass(frozen=True)
class Subject:
    """What a program was to run on: the backend that it was built for, and the GPU.

    For "vulkan" also what Vulkan shows of it, where it does: its driver's manifest and its device.
    """

    backend: str
    gpu: Gpu
    icd: str = ""
    device: VulkanDevice | None = None

    @property
    def environment(self) -> tuple[str, ...]:
        """What chooses that GPU in a program's environment, as NAME=VALUE."""
        if self.backend == "vulkan":
            index = self.device.index if self.device else ""
            return (f"GGML_VK_VISIBLE_DEVICES={index}", f"VK_DRIVER_FILES={self.icd}")
        return (
            f"ROCR_VISIBLE_DEVICES={self.gpu.index}",
            f"HSA_OVERRIDE_GFX_VERSION={self.gpu.override}",
        )


def diagnose(
    log: Iterable[str],
    access: DeviceAccess,
    subject: Subject,
    user: str,
    changed_packages: Sequence[str] = (),
) -> Finding | None:
    """Name the cause for which a program with this log does not use the chosen GPU as it should.

    None when it does. `changed_packages` are packages of the backend, with versions, that are not
    those of the time of the build.
    """
    lines = list(log)
    used = usage(lines)
    gpu = subject.gpu
    if subject.backend == "vulkan":
        return _diagnose_vulkan(lines, used, access, subject, user)
    if used.backend == "hip" and used.gfx == gpu.target:
        return _check_gpu_errors(lines, gpu)
    return (
        _check_libraries(lines, subject)
        or _check_hip_built(used)
        or check_access(access, user)
        or _check_gpu_selection(used, access, subject)
        or _check_gpu_errors(lines, gpu)
        or _check_packages(changed_packages)
        or _unexplained(lines, used)
    )


def _diagnose_vulkan(
    lines: Sequence[str], used: Usage, access: DeviceAccess, subject: Subject, user: str
) -> Finding | None:
    """The same for Vulkan: its backend says nothing where there is no device."""
    device = subject.device
    if used.backend == "vulkan" and device and used.device == device.name:
        return _check_gpu_errors(lines, subject.gpu)
    return (
        _check_libraries(lines, subject)
        or check_access(access, user, "vulkan")
        or _check_driver_manifest(subject)
        or _check_gpu_selection(used, access, subject)
        or _check_software(used, subject)
        or _check_vulkan_device(subject)
        or _check_gpu_errors(lines, subject.gpu)
        or _unexplained_vulkan(lines, used)
    )


def check_access(access: DeviceAccess, user: str, backend: str = "hip") -> Finding | None:
    """What keeps a program of the user's from the GPU's devices; None where nothing does."""
    if backend == "vulkan":
        access = without_kfd(access)
    return _check_sandboxing(access) or _check_driver(access) or _check_permissions(access, user)


def _check_driver_manifest(subject: Subject) -> Finding | None:
    if subject.icd:
        return None
    package = vulkan_driver(subject.gpu)
    return Finding(
        f"Vulkan has no driver for {subject.gpu.label}: {package} is not installed",
        f"sudo pacman -Syu {package}",
        of_backend=True,
    )


def _check_vulkan_device(subject: Subject) -> Finding | None:
    if subject.device:
        return None
    return Finding(
        f"Vulkan does not show {subject.gpu.label}",
        f"VK_DRIVER_FILES={subject.icd} vulkaninfo --summary; sudo dmesg | grep amdgpu"
        "  # what Vulkan and the kernel say",
        of_backend=True,
    )


def _check_software(used: Usage, subject: Subject) -> Finding | None:
    if not used.is_software or subject.gpu.is_software:
        return None
    return Finding(
        f"llvmpipe, Vulkan's driver for the CPU, was taken instead of {subject.gpu.label}",
        f"{DEPLOY_AGAIN}  # it keeps it to the GPU's own driver",
        of_build=True,
    )


def _telling_line(lines: Sequence[str], used: Usage) -> str:
    """The line that decided, or else the last; empty where there is none."""
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return (used.line or last)[:160]


def _unexplained_vulkan(lines: Sequence[str], used: Usage) -> Finding:
    line = _telling_line(lines, used)
    if BAD_INDEX in line:
        return Finding(line, f"{DEPLOY_AGAIN}  # it pins the GPU anew", of_build=True)
    fix = "vulkaninfo --summary; sudo dmesg | grep amdgpu  # what Vulkan and the kernel say"
    what = f"Vulkan does not take the GPU: {line}" if line else "its log does not say why"
    return Finding(what, fix, of_build=True)


def _check_libraries(lines: Sequence[str], subject: Subject) -> Finding | None:
    found = next((match for line in lines if (match := MISSING_LIBRARY.search(line))), None)
    if not found:
        return None
    library = "ROCm" if subject.backend == "hip" else "Vulkan"
    what = f"{library} changed under the binary: {found[1] or found[2]} is gone"
    return Finding(what, DEPLOY_AGAIN, of_build=True)


def _check_hip_built(used: Usage) -> Finding | None:
    if used.backend != "cpu" or used.has_hip:
        return None
    return Finding("the HIP backend is not in this build", DEPLOY_AGAIN, of_build=True)


def _check_sandboxing(access: DeviceAccess) -> Finding | None:
    if not access.hidden_devices:
        return None
    settings = f" ({', '.join(access.sandboxing)})" if access.sandboxing else ""
    return Finding(
        f"{SERVER_UNIT} hides {' and '.join(access.hidden_devices)} from its process{settings}",
        f"{EDIT_UNIT}  # take out what hides devices",
    )


def _check_driver(access: DeviceAccess) -> Finding | None:
    if not access.missing_devices:
        return None
    what = f"the kernel shows no {' and no '.join(access.missing_devices)}"
    if access.driver_loaded:
        return Finding(f"{what}, though amdgpu is loaded", "sudo dmesg | grep -E 'amdgpu|kfd'")
    if not access.modules_installed:
        return Finding(
            f"{what}: amdgpu is not loaded, and the running kernel's modules are not installed any "
            "more, as after an upgrade of the kernel",
            "sudo reboot",
        )
    return Finding(f"{what}: amdgpu is not loaded", "sudo modprobe amdgpu")


def _check_permissions(access: DeviceAccess, user: str) -> Finding | None:
    device = next((device for device in access.devices if not device.accessible), None)
    if device is None:
        return None
    what = f"{user} may not open {device.path} ({_permissions(device)})"
    groups = groups_with_access(device)
    if not groups:
        return Finding(
            f"{what}: its permissions let no group in",
            f"sudo udevadm trigger --action=add {device.path}",
        )
    if not may_open(device, user, groups):
        return Finding(f"{what}: its permissions keep {user} out", f"getfacl {device.path}")
    return _check_groups(access, user, groups, what) or Finding(what, f"getfacl {device.path}")


def _permissions(device: Device) -> str:
    """As ls shows them, with a + where there are more entries than those three."""
    extended = "+" if len(device.acl) > 3 else ""
    return f"{device.mode}{extended} {device.owner} {device.group}"


def _check_groups(
    access: DeviceAccess, user: str, groups: Sequence[str], what: str
) -> Finding | None:
    """Whether the process is in one of the groups that may open a device, and why it is not."""
    joined = [group for group in groups if group in access.account_groups]
    if not joined:
        return Finding(
            f"{what}: {user} is not in the group {groups[0]}",
            f"sudo gpasswd -a {shlex.quote(user)} {groups[0]} && sudo reboot",
        )
    if not any(group in access.process_groups for group in joined):
        return Finding(
            f"{what}: {user} is in the group {joined[0]}, but {access.process} is from before "
            "that, and has no such group",
            # Where services run without a login, the manager stays when its user logs out.
            "sudo reboot",
        )
    return None


def _check_gpu_selection(used: Usage, access: DeviceAccess, subject: Subject) -> Finding | None:
    others = [name for name in access.gpu_environment if name not in subject.environment]
    on_another = used.backend == subject.backend and not used.is_software
    if others and (on_another or used.is_software or used.backend == "cpu"):
        variables = " and ".join(others)
        return Finding(
            f"{variables} hides {subject.gpu.label}", f"{EDIT_UNIT}  # take out {variables}"
        )
    if on_another and (used.gfx or used.device):
        fix = f"{DEPLOY_AGAIN}  # it pins the GPU"
        return Finding("nothing kept it to that GPU", fix, of_build=True)
    return None


def _check_gpu_errors(lines: Sequence[str], gpu: Gpu) -> Finding | None:
    for line in lines:
        if OUT_OF_MEMORY.search(line):
            return Finding(
                f"{gpu.label} has too little memory free: {line.strip()[:120]}",
                "sudo fuser -v /dev/dri/renderD* /dev/kfd  # end what else uses it, or choose a "
                "smaller whisper_model",
            )
        if DEVICE_LOST.search(line):
            return Finding(
                f"{gpu.label} was lost to the driver: {line.strip()[:120]}",
                "sudo dmesg | grep amdgpu  # the kernel says why",
            )
        if UNSUPPORTED.search(line):
            return Finding(
                f"{gpu.label} is too old for whisper.cpp: {line.strip()[:120]}",
                f"{DEPLOY_AGAIN} --data whisper_backend=cpu",
                of_build=True,
            )
        if NO_DEVICE_CODE.search(line):
            return Finding(
                f"there is no code for {gpu.target} in the build or in ROCm: {line.strip()[:120]}",
                f"sudo pacman -Syu && {DEPLOY_AGAIN} --data gpu_targets=auto",
                of_build=True,
            )
    return None


def _check_packages(changed: Sequence[str]) -> Finding | None:
    if not changed:
        return None
    what = f"ROCm changed under the binary: now {', '.join(changed)}"
    return Finding(what, DEPLOY_AGAIN, of_build=True)


def _unexplained(lines: Sequence[str], used: Usage) -> Finding:
    line = _telling_line(lines, used)
    return Finding(
        f"ROCm does not take the GPU: {line}" if line else "its log does not say why",
        "bash -lc rocminfo; sudo dmesg | grep -E 'amdgpu|kfd'  # what ROCm and the kernel say",
        of_build="failed to initialize ROCm" not in line,
        of_backend=True,
    )
