"""Every known cause for which the GPU is not used, told apart and with what mends it."""

import pytest

from core.diagnosis import DEPLOY_AGAIN, EDIT_UNIT, diagnose
from core.gpu import Gpu
from core.reach import Closed, Reach, parse_reach

CARD = Gpu(1, "gfx1101", 17163091968, "0000:03:00.0", "AMD Radeon RX 7800 XT")
FALLBACK = [
    "ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected",
    "whisper_backend_init_gpu: no GPU found",
    "whisper_model_load:          CPU total size =   487.00 MB",
]
ON_CARD = [
    "  Device 0: AMD Radeon RX 7800 XT, gfx1101 (0x1101), VMM: no, Wave Size: 32",
    "whisper_backend_init_gpu: using ROCm0 backend",
    "whisper_model_load:        ROCm0 total size =   487.00 MB",
]
ON_ANOTHER = [ON_CARD[0].replace("RX 7800 XT, gfx1101", "Graphics, gfx1036"), *ON_CARD[1:]]
KFD = Closed("/dev/kfd", "crw-rw----", "root", "render")


def cause(
    log: list[str], gpu: Gpu = CARD, changed: tuple[str, ...] = (), **reach: object
) -> tuple[str, str] | None:
    found = diagnose(log, Reach(**reach), gpu, "ada", changed)
    return (found.what, found.mend) if found else None


def test_a_program_that_uses_the_card_has_nothing_to_mend():
    assert cause(ON_CARD, missing=("/dev/kfd",)) is None


@pytest.mark.parametrize(
    ("reach", "what", "mend"),
    [
        (
            {"closed": (KFD,), "member": ("ada", "render"), "groups": ("ada",)},
            "ada may not open /dev/kfd (crw-rw---- root render): ada is in the group render, but "
            "the running user manager is from before that, and has no such group",
            "sudo reboot",
        ),
        (
            {"closed": (KFD,), "member": ("ada",), "groups": ("ada",)},
            "ada may not open /dev/kfd (crw-rw---- root render): ada is not in the group render",
            "sudo usermod -aG render ada && sudo reboot",
        ),
        (
            {"closed": (Closed("/dev/kfd", "crw-------", "root", "root"),), "groups": ("render",)},
            "ada may not open /dev/kfd (crw------- root root): its permissions let no group in",
            "sudo udevadm trigger --action=add /dev/kfd",
        ),
        (
            {"hidden": ("/dev/kfd",), "settings": ("PrivateDevices=yes",), "closed": (KFD,)},
            "voicemode-whisper.service hides /dev/kfd from its process (PrivateDevices=yes)",
            f"{EDIT_UNIT}  # take out what hides devices",
        ),
        (
            {"missing": ("/dev/kfd",), "driver": False},
            "the kernel shows no /dev/kfd: amdgpu is not loaded",
            "sudo modprobe amdgpu",
        ),
        (
            {"missing": ("/dev/kfd",), "driver": False, "modules": False},
            "the kernel shows no /dev/kfd: amdgpu is not loaded, and the running kernel's modules",
            "sudo reboot",
        ),
        (
            {"missing": ("/dev/kfd",)},
            "the kernel shows no /dev/kfd, though amdgpu is loaded",
            "sudo dmesg",
        ),
        (
            {"masks": ("ROCR_VISIBLE_DEVICES=1", "HIP_VISIBLE_DEVICES=3")},
            "HIP_VISIBLE_DEVICES=3 hides AMD Radeon RX 7800 XT (gfx1101, 16 GiB, 0000:03:00.0)",
            f"{EDIT_UNIT}  # take out HIP_VISIBLE_DEVICES=3",
        ),
        (
            {"masks": ("ROCR_VISIBLE_DEVICES=1",)},
            "ROCm does not take the GPU: ggml_cuda_init: failed to initialize ROCm",
            "/opt/rocm/bin/rocminfo; sudo dmesg",
        ),
    ],
)
def test_what_stands_between_a_program_and_the_card(reach: dict[str, object], what: str, mend: str):
    found = cause(FALLBACK, **reach)
    assert found
    assert found[0].startswith(what)
    assert found[1].startswith(mend)


def test_a_build_for_the_cpu_is_told_whatever_else_is_wrong():
    assert cause(FALLBACK[1:], closed=(KFD,)) == (
        "the HIP backend is not in this build",
        DEPLOY_AGAIN,
    )


def test_for_another_gpu_what_chose_it_is_told():
    assert cause(ON_ANOTHER, masks=("ROCR_VISIBLE_DEVICES=0",)) == (
        f"ROCR_VISIBLE_DEVICES=0 hides {CARD.label}",
        f"{EDIT_UNIT}  # take out ROCR_VISIBLE_DEVICES=0",
    )
    assert cause(ON_ANOTHER, masks=("ROCR_VISIBLE_DEVICES=1",)) == (
        "nothing kept it to that GPU",
        f"{DEPLOY_AGAIN}  # it pins the GPU",
    )


def test_rocm_that_changed_under_the_binary_is_told_with_its_version():
    assert cause(FALLBACK, changed=("rocblas 7.2.0-1",)) == (
        "ROCm changed under the binary: now rocblas 7.2.0-1",
        DEPLOY_AGAIN,
    )


def test_a_card_that_is_full_is_told():
    full = "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 3000.00 MiB on device 0: "
    found = cause([*ON_CARD, f"{full}cudaMalloc failed: out of memory"])
    assert found
    assert "has too little memory free" in found[0]
    assert "smaller whisper_model" in found[1]


def test_a_log_that_says_nothing_is_told_too():
    found = cause([])
    assert found
    assert found[0] == "its log does not say why"


def test_what_the_host_says_is_read():
    assert parse_reach(
        [
            "missing /dev/kfd",
            "closed /dev/dri/renderD128 crw-rw----+ root render",
            "groups ada wheel",
            "member ada wheel render",
            "without driver",
            "hidden /dev/dri/renderD128",
            "mask HIP_VISIBLE_DEVICES=0",
            "setting PrivateDevices=yes",
        ]
    ) == Reach(
        missing=("/dev/kfd",),
        closed=(Closed("/dev/dri/renderD128", "crw-rw----+", "root", "render"),),
        groups=("ada", "wheel"),
        member=("ada", "wheel", "render"),
        driver=False,
        hidden=("/dev/dri/renderD128",),
        masks=("HIP_VISIBLE_DEVICES=0",),
        settings=("PrivateDevices=yes",),
    )
