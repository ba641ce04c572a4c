"""What the doctor expects of hosts, and what they say, to test its rows with."""

from voicemode_whisper.core.env_file import EnvFile
from voicemode_whisper.core.environment import Setting
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.health.report import ExpectedState
from voicemode_whisper.core.models import Model
from voicemode_whisper.core.speed import Speed

CARD = Gpu(0, "gfx1101", 17163091968, "0000:03:00.0", "AMD Radeon RX 7800 XT")
STRONG = Gpu(0, "gfx1151", 0, "", "AMD Radeon 8060S")
MODEL = Model("ggml-small.en.bin", "http://h/ggml-small.en.bin", "ab" * 32, 487 << 20)
ON_CARD = ExpectedState("hip", CARD, MODEL)
ON_CPU = ExpectedState("cpu", None, MODEL)
TOOLS = [
    "hip-runtime-amd 7.2.0-1",
    "hipblas 7.2.0-1",
    "rocblas 7.2.0-1",
    "rocm-llvm 7.2.0-1",
    "c++ (GCC) 15.2.1 20251112",
    "cpu 35b197cbba74",
]
FAST, PLAIN = Speed("-fa", 200, 93, 480), Speed("-nfa", 200, 110, 520)
MANIFEST = {
    "release": {"label": "v1.9.1", "commit": "a" * 40},
    "backend": "hip",
    "cmake_arguments": ["-DGGML_HIP=ON", "-DAMDGPU_TARGETS=gfx1100;gfx1101"],
    "toolchain": TOOLS,
    "built": "2026-11-22T14:54:57+00:00",
    "acceptance": {MODEL.sha256: {"speeds": [PLAIN.record, FAST.record]}},
}
FOR_CPU = {**MANIFEST, "backend": "cpu", "cmake_arguments": ["-DGGML_HIP=OFF"]}
SERVER = "voicemode-whisper.service"
UNIT = "w.service"
AGAIN = "systemctl --user restart w.service; journalctl --user -u w.service -n 20"
URL = "http://127.0.0.1:2023"
SPOKEN = "And so my fellow Americans, ask not what your country can do for you."
KEY = "VOICEMODE_STT_BASE_URLS"
ENV, PROFILE = "/h/.voicemode/voicemode.env", "/h/.bashrc"
ASKED = f"{URL}/v1"


def env_file(value: str | None) -> EnvFile:
    text = "" if value is None else f"A=1\n{KEY} = {value}\n"
    return EnvFile(ENV, ENV, kind="regular file", owner="ada", text=text)


def set_in_profile(value: str, path: str = PROFILE) -> Setting:
    return Setting(KEY, value, path, 7)
