"""Generations to test with: specs, manifests, and what is made from them."""

from typing import Any

from voicemode_whisper.core.build import BuildSpec
from voicemode_whisper.core.generations import Generation, Generations, GenerationSpec
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.models import Model
from voicemode_whisper.core.release import Release
from voicemode_whisper.core.settings import Settings, read_settings
from voicemode_whisper.core.toolchain import Toolchain
from voicemode_whisper.host import DEFAULTS

TOOLS = Toolchain(("rocblas 7.1-1", "c++ 15"), "/opt/rocm", "/opt/rocm/lib/llvm/bin/clang++")
PYTHON = "3.13"
CARD = Gpu(0, "gfx1101", 16 << 30)
RELEASE = Release("v1.9.1", "a" * 40)
MODEL = Model("ggml-small.en.bin", "", "ab" * 32, 487 << 20)
ON_CARD = BuildSpec(RELEASE, "hip", ("gfx1101",), CARD)
BY_VULKAN = BuildSpec(RELEASE, "vulkan", (), CARD)
ON_CPU = BuildSpec(RELEASE, "cpu")


def settings(**changes: Any) -> Settings:
    return read_settings({**DEFAULTS, **changes})


def spec(**changes: Any) -> GenerationSpec:
    """What is to serve, with some of it changed."""
    parts: dict[str, Any] = {
        "build": ON_CARD,
        "model": MODEL,
        "model_file": MODEL.file_name,
        "settings": settings(),
        "proxy": "1" * 12,
        "lock_sha256": "d" * 64,
        "templates": "2" * 12,
    }
    return GenerationSpec(**{**parts, **changes})


def fingerprint(number: int) -> str:
    return f"{number:012x}"


def manifest(
    number: int, status: str = "confirmed", same_as: int | None = None, **changes: Any
) -> dict[str, Any]:
    """The manifest of a generation; `same_as` is the number of one that has its fingerprint."""
    name = fingerprint(same_as or number)
    made: dict[str, Any] = {
        "number": number,
        "status": status,
        "fingerprint": name,
        "label": f"whisper.cpp v1.{number} with small.en",
        # Each its own port, so that it can be asked by its own answer.
        "listen": f"127.0.0.1:{2023 + number}",
        "port": 2022,
        "socket": True,
        "revisions": {"server": f"server {name}", "proxy": f"proxy {name}"},
        "parts": {
            "build": f"whisper.cpp/builds/v1.9.1-{name}",
            "proxy": f"whisper-proxy-{name}",
            "venv": f"whisper-proxy-venv-{name}",
            "model": "whisper.cpp/models/ggml-small.en.bin",
        },
    }
    if status == "rejected":
        made["rejected"] = {"when": "2026-11-22T01:02:03+00:00", "reason": "it was silent"}
    return {**made, **changes}


def generation(number: int, status: str = "confirmed", **changes: Any) -> Generation:
    return Generation.of(manifest(number, status, **changes))


def candidate(number: int, **changes: Any) -> Generation:
    return generation(number, "candidate", **changes)


def rejected(number: int, **changes: Any) -> Generation:
    return generation(number, "rejected", **changes)


def generations(
    current: int | None, *known: Generation, models: tuple[str, ...] = ()
) -> Generations:
    """These generations on a host that has all of their parts."""
    parts = {part for one in known for part in one.parts if "/models/" not in part}
    directories = {f"generations/{one.number}" for one in known}
    return Generations(known, current, tuple(sorted(parts | directories)), models)
