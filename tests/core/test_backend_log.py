"""Which backend a start-up log shows. The lines are real ones."""

import pytest

from voicemode_whisper.core.backend_log import usage

CPU_BUILD = [
    "whisper_init_from_file_with_params_no_state: loading model from 'ggml-small.en.bin'",
    "whisper_init_with_params_no_state: use gpu    = 1",
    "whisper_model_load:          CPU total size =   487.00 MB",
    "whisper_backend_init_gpu: no GPU found",
]
FALLBACK = [
    "ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected",
    "whisper_init_with_params_no_state: use gpu    = 1",
    "whisper_backend_init_gpu: no GPU found",
    "whisper_model_load:          CPU total size =   487.00 MB",
]
GPU = [
    "ggml_cuda_init: found 1 ROCm devices:",
    "  Device 0: AMD Radeon RX 7800 XT, gfx1101 (0x1101), VMM: no, Wave Size: 32",
    "whisper_init_with_params_no_state: use gpu    = 1",
    "whisper_backend_init_gpu: using ROCm0 backend",
    "whisper_model_load:        ROCm0 total size =   487.00 MB",
]
# As whisper.cpp v1.9.1 to v1.9.3 write it.
NEWER = [
    "ggml_cuda_init: found 1 ROCm devices (Total VRAM: 16368 MiB):",
    "  Device 0: AMD Radeon RX 7800 XT, gfx1101 (0x1101), VMM: no, Wave Size: 32, VRAM: 16368 MiB",
    "whisper_backend_init_gpu: device 0: ROCm0 (type: 1)",
    "whisper_backend_init_gpu: found GPU device 0: ROCm0 (type: 1, cnt: 0)",
    *GPU[3:],
]


# As v1.9.1 writes it with RADV (the device: ggml-org/whisper.cpp#3385).
VULKAN = [
    "ggml_vulkan: Found 1 Vulkan devices:",
    "ggml_vulkan: 0 = AMD Radeon RX 580 Series (RADV POLARIS10) (radv) | uma: 0 | fp16: 0 "
    "| bf16: 0 | warp size: 64 | shared memory: 65536 | int dot: 0 | matrix cores: none",
    "whisper_backend_init_gpu: device 0: Vulkan0 (type: 1)",
    "whisper_backend_init_gpu: using Vulkan0 backend",
    "whisper_model_load:      Vulkan0 total size =   487.00 MB",
]
LLVMPIPE = [
    line.replace(
        "AMD Radeon RX 580 Series (RADV POLARIS10) (radv)", "llvmpipe (LLVM 19.1.7) (llvmpipe)"
    )
    for line in VULKAN
]


@pytest.mark.parametrize(
    ("log", "backend"),
    [
        (GPU, "hip"),
        (VULKAN, "vulkan"),
        (LLVMPIPE, "vulkan"),
        ([VULKAN[0].replace("Found 1 Vulkan devices:", "No devices found."), CPU_BUILD[3]], "cpu"),
        (NEWER, "hip"),
        (CPU_BUILD, "cpu"),
        (FALLBACK, "cpu"),
        (["whisper_init_with_params_no_state: use gpu    = 1"], None),
        (GPU[:2], None),
        (GPU[:4], None),
        ([], None),
    ],
)
def test_a_log_shows_its_backend(log, backend):
    assert usage(log).backend == backend


@pytest.mark.parametrize("line", FALLBACK[:1] + FALLBACK[2:])
def test_one_line_of_the_cpu_outweighs_all_of_the_gpu(line):
    assert usage([*GPU, line]).backend == "cpu"


@pytest.mark.parametrize("log", [GPU, NEWER])
def test_the_device_in_use_is_named(log):
    assert usage(log).device == "AMD Radeon RX 7800 XT"
    assert usage(log).gfx == "gfx1101"


def test_the_device_in_vulkan_is_named_with_its_driver():
    used = usage(VULKAN)
    assert (used.device, used.driver) == ("AMD Radeon RX 580 Series (RADV POLARIS10)", "radv")
    assert not used.is_software
    assert usage(LLVMPIPE).is_software


def test_of_two_devices_the_one_in_use_is_named():
    both = [
        "  Device 0: AMD Radeon Graphics, gfx1036 (0x1036), VMM: no, Wave Size: 32",
        "  Device 1: AMD Radeon RX 7800 XT, gfx1101 (0x1101), VMM: no, Wave Size: 32",
        "whisper_backend_init_gpu: using ROCm1 backend",
        "whisper_model_load:        ROCm1 total size =   487.00 MB",
    ]
    assert usage(both).gfx == "gfx1101"


def test_a_device_without_a_name_is_none():
    assert usage([GPU[3], GPU[4]]).gfx == ""


def test_the_line_that_says_most_is_the_one_that_is_told():
    assert usage(FALLBACK).line == FALLBACK[0]
    assert usage(list(reversed(FALLBACK))).line == FALLBACK[0]
    assert usage(CPU_BUILD).line == CPU_BUILD[3]


def test_whether_the_hip_backend_is_in_the_program_at_all():
    assert usage(FALLBACK).has_hip
    assert not usage(CPU_BUILD).has_hip


# As v1.9.1 writes it when the first recording has come, on a card or not.
VAD_STARTS = [
    "whisper_vad_init_from_file_with_params: loading VAD model from 'build/vad.bin'",
    "whisper_vad_init_with_params: model type: silero-16k",
    "whisper_backend_init_gpu: no GPU found",
    "whisper_vad_init_with_params:          CPU total size =     0.86 MB",
]


@pytest.mark.parametrize(("log", "backend"), [(GPU, "hip"), (VULKAN, "vulkan"), (CPU_BUILD, "cpu")])
def test_the_vad_model_on_the_cpu_says_nothing_of_the_other(log: list[str], backend: str):
    assert usage([*log, *VAD_STARTS]).backend == backend
