"""What programs of whisper.cpp hear and say, on a card and elsewhere."""

SPOKEN = "And so my fellow Americans ask not what your country can do for you"
HIP = (
    "  Device 0: AMD Radeon RX 7800 XT, gfx1101 (0x1101), VMM: no, Wave Size: 32",
    "whisper_backend_init_gpu: using ROCm0 backend",
    "whisper_model_load:        ROCm0 total size =   487.00 MB",
)
CPU = (
    "whisper_backend_init_gpu: no GPU found",
    "whisper_model_load:          CPU total size =   487.00 MB",
)
FELL_BACK = (
    "ggml_cuda_init: failed to initialize ROCm: no ROCm-capable device is detected",
    *CPU,
)
