"""Which backend a start-up log shows. The lines are real ones."""

import pytest

from core.backend_log import backend_in_use

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


@pytest.mark.parametrize(
    ("log", "backend"),
    [
        (GPU, "hip"),
        (CPU_BUILD, "cpu"),
        (FALLBACK, "cpu"),
        (["whisper_init_with_params_no_state: use gpu    = 1"], None),
        (GPU[:2], None),
        ([], None),
    ],
)
def test_a_log_shows_its_backend(log, backend):
    assert backend_in_use(log) == backend


@pytest.mark.parametrize("line", FALLBACK[:1] + FALLBACK[2:])
def test_one_line_of_the_cpu_outweighs_all_of_the_gpu(line):
    assert backend_in_use([*GPU, line]) == "cpu"
