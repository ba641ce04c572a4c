"""Every known cause for which the GPU is not used, told apart and with what fixes it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.whisper_logs import CPU, FELL_BACK, HIP
from voicemode_whisper.core.device_access import Device, DeviceAccess
from voicemode_whisper.core.diagnosis import (
    DEPLOY_AGAIN,
    EDIT_UNIT,
    Subject,
    check_access,
    diagnose,
)
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.vulkan import VulkanDevice

CARD = Gpu(1, "gfx1101", 17163091968, "0000:03:00.0", "AMD Radeon RX 7800 XT")
ON_ANOTHER = [HIP[0].replace("RX 7800 XT, gfx1101", "Graphics, gfx1036"), *HIP[1:]]
KFD = Device("/dev/kfd", "crw-rw----", "root", "render")
ROOTS = Device("/dev/kfd", "crw-------", "root", "root")
BY_ACL = ("user::rw-", "group::rw-", "group:render:rw-", "mask::rw-", "other::---")
# Only an entry in its ACL lets a group in.
WITH_ACL = Device("/dev/kfd", "crw-rw----", "root", "root", BY_ACL)
WITHOUT_ADA = replace(WITH_ACL, acl=("user::rw-", "user:ada:---", *BY_ACL[1:]))
JOINED = ("ada", "render")


def cause(
    log: Sequence[str], gpu: Gpu = CARD, changed: tuple[str, ...] = (), **access: object
) -> tuple[str, str] | None:
    found = diagnose(log, DeviceAccess(**access), Subject("hip", gpu), "ada", changed)
    return (found.what, found.fix) if found else None


def test_a_program_that_uses_the_card_has_nothing_to_fix():
    assert cause(HIP, missing_devices=("/dev/kfd",)) is None


@pytest.mark.parametrize(
    ("access", "what", "fix"),
    [
        (
            {"devices": (KFD,), "account_groups": JOINED, "process_groups": ("ada",)},
            "ada may not open /dev/kfd (crw-rw---- root render): ada is in the group render, but "
            "the running user manager is from before that, and has no such group",
            "sudo reboot",
        ),
        (
            {"devices": (KFD,), "account_groups": ("ada",), "process_groups": ("ada",)},
            "ada may not open /dev/kfd (crw-rw---- root render): ada is not in the group render",
            "sudo gpasswd -a ada render && sudo reboot",
        ),
        (
            {"devices": (ROOTS,), "process_groups": ("render",)},
            "ada may not open /dev/kfd (crw------- root root): its permissions let no group in",
            "sudo udevadm trigger --action=add /dev/kfd",
        ),
        (
            {"devices": (WITH_ACL,), "account_groups": JOINED, "process_groups": ("ada",)},
            "ada may not open /dev/kfd (crw-rw----+ root root): ada is in the group render, but ",
            "sudo reboot",
        ),
        (
            {"devices": (WITH_ACL,), "account_groups": ("ada",), "process_groups": ("ada",)},
            "ada may not open /dev/kfd (crw-rw----+ root root): ada is not in the group render",
            "sudo gpasswd -a ada render && sudo reboot",
        ),
        (
            {"devices": (WITHOUT_ADA,), "account_groups": JOINED, "process_groups": JOINED},
            "ada may not open /dev/kfd (crw-rw----+ root root): its permissions keep ada out",
            "getfacl /dev/kfd",
        ),
        (
            {"devices": (KFD,), "account_groups": JOINED, "process_groups": JOINED},
            "ada may not open /dev/kfd (crw-rw---- root render)",
            "getfacl /dev/kfd",
        ),
        (
            {
                "hidden_devices": ("/dev/kfd",),
                "sandboxing": ("PrivateDevices=yes",),
                "devices": (KFD,),
            },
            "voicemode-whisper.service hides /dev/kfd from its process (PrivateDevices=yes)",
            f"{EDIT_UNIT}  # take out what hides devices",
        ),
        (
            {"missing_devices": ("/dev/kfd",), "driver_loaded": False},
            "the kernel shows no /dev/kfd: amdgpu is not loaded",
            "sudo modprobe amdgpu",
        ),
        (
            {"missing_devices": ("/dev/kfd",), "driver_loaded": False, "modules_installed": False},
            "the kernel shows no /dev/kfd: amdgpu is not loaded, and the running kernel's modules",
            "sudo reboot",
        ),
        (
            {"missing_devices": ("/dev/kfd",)},
            "the kernel shows no /dev/kfd, though amdgpu is loaded",
            "sudo dmesg",
        ),
        (
            {"gpu_environment": ("ROCR_VISIBLE_DEVICES=1", "HIP_VISIBLE_DEVICES=3")},
            "HIP_VISIBLE_DEVICES=3 hides AMD Radeon RX 7800 XT (gfx1101, 16 GiB, 0000:03:00.0)",
            f"{EDIT_UNIT}  # take out HIP_VISIBLE_DEVICES=3",
        ),
        (
            {"gpu_environment": ("ROCR_VISIBLE_DEVICES=1",)},
            "ROCm does not take the GPU: ggml_cuda_init: failed to initialize ROCm",
            "bash -lc rocminfo; sudo dmesg",
        ),
    ],
)
def test_what_keeps_a_program_from_the_card(access: dict[str, object], what: str, fix: str):
    found = cause(FELL_BACK, **access)
    assert found
    assert found[0].startswith(what)
    assert found[1].startswith(fix)


def test_a_build_for_the_cpu_is_told_whatever_else_is_wrong():
    assert cause(CPU, devices=(KFD,)) == (
        "the HIP backend is not in this build",
        DEPLOY_AGAIN,
    )


def test_for_another_gpu_what_chose_it_is_told():
    assert cause(ON_ANOTHER, gpu_environment=("ROCR_VISIBLE_DEVICES=0",)) == (
        f"ROCR_VISIBLE_DEVICES=0 hides {CARD.label}",
        f"{EDIT_UNIT}  # take out ROCR_VISIBLE_DEVICES=0",
    )
    assert cause(ON_ANOTHER, gpu_environment=("ROCR_VISIBLE_DEVICES=1",)) == (
        "nothing kept it to that GPU",
        f"{DEPLOY_AGAIN}  # it pins the GPU",
    )


def test_rocm_that_changed_under_the_binary_is_told_with_its_version():
    assert cause(FELL_BACK, changed=("rocblas 7.2.0-1",)) == (
        "ROCm changed under the binary: now rocblas 7.2.0-1",
        DEPLOY_AGAIN,
    )


def test_a_card_that_is_full_is_told():
    full = "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 3000.00 MiB on device 0: "
    found = cause([*HIP, f"{full}cudaMalloc failed: out of memory"])
    assert found
    assert "has too little memory free" in found[0]
    assert "smaller whisper_model" in found[1]


def test_a_log_that_says_nothing_is_told_too():
    found = cause([])
    assert found
    assert found[0] == "its log does not say why"


def test_a_device_that_the_process_can_open_is_no_cause():
    open_to_it = replace(WITH_ACL, accessible=True)
    assert check_access(DeviceAccess((open_to_it,)), "ada") is None


FULL = [*HIP, "cudaMalloc failed: out of memory"]


@pytest.mark.parametrize(
    ("log", "access", "of_build"),
    [
        (FELL_BACK, {"devices": (KFD,), "account_groups": ("ada",)}, False),
        (FELL_BACK, {"hidden_devices": ("/dev/kfd",)}, False),
        (FELL_BACK, {"missing_devices": ("/dev/kfd",), "driver_loaded": False}, False),
        (FELL_BACK, {"gpu_environment": ("HIP_VISIBLE_DEVICES=3",)}, False),
        (ON_ANOTHER, {"gpu_environment": ("ROCR_VISIBLE_DEVICES=0",)}, False),
        (FULL, {}, False),
        (FELL_BACK, {}, False),
        (CPU, {"devices": (KFD,)}, True),
        (ON_ANOTHER, {}, True),
        ([*HIP, "invalid device function"], {}, True),
        (["x: symbol lookup error: undefined symbol: hipblasCreate"], {}, True),
        ([], {}, True),
    ],
)
def test_a_fault_of_the_machine_is_told_from_one_of_the_build(
    log: list[str], access: dict[str, object], of_build: bool
):
    found = diagnose(log, DeviceAccess(**access), Subject("hip", CARD), "ada")
    assert found
    assert found.of_build is of_build


RADV = VulkanDevice(0, "AMD Radeon RX 7800 XT (RADV NAVI32)", "radv", "0000:03:00.0")
ICD = "/usr/share/vulkan/icd.d/radeon_icd.json"
VULKAN = Subject("vulkan", CARD, ICD, RADV)
LABEL = "AMD Radeon RX 7800 XT (gfx1101, 16 GiB, 0000:03:00.0)"
DEVICE_LINE = "ggml_vulkan: 0 = {} | uma: 0 | fp16: 1"
IN_USE = [
    DEVICE_LINE.format("AMD Radeon RX 7800 XT (RADV NAVI32) (radv)"),
    "whisper_backend_init_gpu: using Vulkan0 backend",
    "whisper_model_load:      Vulkan0 total size =   487.00 MB",
]
ON_LLVMPIPE = [DEVICE_LINE.format("llvmpipe (LLVM 19.1.7, 256 bits) (llvmpipe)"), *IN_USE[1:]]
ON_RAPHAEL = [
    DEVICE_LINE.format("AMD Radeon Graphics (RADV RAPHAEL_MENDOCINO) (radv)"),
    *IN_USE[1:],
]
# All that is said where there is no device: that of a build for the CPU.
SILENT = CPU
RENDER = Device("/dev/dri/renderD128", "crw-rw----", "root", "render")


def test_a_program_on_the_gpu_by_vulkan_has_nothing_to_fix():
    assert diagnose(IN_USE, DeviceAccess(missing_devices=("/dev/kfd",)), VULKAN, "ada") is None


@pytest.mark.parametrize(
    ("log", "subject", "access", "what", "fix"),
    [
        (
            SILENT,
            replace(VULKAN, icd="", device=None),
            {},
            f"Vulkan has no driver for {LABEL}: vulkan-radeon is not installed",
            "sudo pacman -Syu vulkan-radeon",
        ),
        (
            SILENT,
            replace(VULKAN, device=None),
            {"missing_devices": ("/dev/kfd",)},
            f"Vulkan does not show {LABEL}",
            f"VK_DRIVER_FILES={ICD} vulkaninfo --summary; sudo dmesg",
        ),
        (
            SILENT,
            replace(VULKAN, device=None),
            {"devices": (RENDER,), "account_groups": ("ada",), "process_groups": ("ada",)},
            "ada may not open /dev/dri/renderD128 (crw-rw---- root render): ada is not in",
            "sudo gpasswd -a ada render && sudo reboot",
        ),
        (
            ON_LLVMPIPE,
            VULKAN,
            {"gpu_environment": ("VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json",)},
            f"VK_DRIVER_FILES=/usr/share/vulkan/icd.d/lvp_icd.json hides {LABEL}",
            EDIT_UNIT,
        ),
        (
            ON_LLVMPIPE,
            VULKAN,
            {},
            f"llvmpipe, Vulkan's driver for the CPU, was taken instead of {LABEL}",
            DEPLOY_AGAIN,
        ),
        (ON_RAPHAEL, VULKAN, {}, "nothing kept it to that GPU", f"{DEPLOY_AGAIN}  # it pins"),
        (
            ["ggml_vulkan: Invalid device index 1 in GGML_VK_VISIBLE_DEVICES.", *SILENT],
            VULKAN,
            {},
            "ggml_vulkan: Invalid device index 1",
            f"{DEPLOY_AGAIN}  # it pins the GPU anew",
        ),
        (
            ["whisper-server: error while loading shared libraries: libvulkan.so.1: gone"],
            VULKAN,
            {},
            "Vulkan changed under the binary: libvulkan.so.1 is gone",
            DEPLOY_AGAIN,
        ),
        (
            SILENT,
            VULKAN,
            {},
            "Vulkan does not take the GPU: whisper_backend_init_gpu",
            "vulkaninfo",
        ),
    ],
)
def test_what_keeps_a_program_from_the_gpu_by_vulkan(
    log: list[str], subject: Subject, access: dict[str, object], what: str, fix: str
):
    found = diagnose(log, DeviceAccess(**access), subject, "ada")
    assert found
    assert found.what.startswith(what)
    assert found.fix.startswith(fix)


def test_kfd_is_nothing_that_vulkan_needs():
    access = DeviceAccess((KFD,), hidden_devices=("/dev/kfd",), missing_devices=("/dev/kfd",))
    assert check_access(access, "ada")
    assert check_access(access, "ada", "vulkan") is None
