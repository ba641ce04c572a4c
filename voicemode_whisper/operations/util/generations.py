"""What a spec comes to on the host, and what is known of it there."""

import json
from datetime import UTC, datetime
from typing import Any

from pyinfra import host
from pyinfra.api import StringCommand
from pyinfra.context import ctx_host

from voicemode_whisper.core import generations, toolchain
from voicemode_whisper.core.build import BACKEND_PACKAGES, vulkan_driver
from voicemode_whisper.core.generations import Generation, GenerationSpec, ResolvedSpec
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.venv import WYOMING
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.generations import Generations
from voicemode_whisper.facts.toolchain import Python, Toolchain
from voicemode_whisper.operations.util.once import read_once
from voicemode_whisper.operations.util.outcome import outcome_of
from voicemode_whisper.scripts import script


def now() -> str:
    """The time for manifests, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def as_json(manifest: object) -> str:
    """A manifest as it lies on the host."""
    return json.dumps(manifest, indent=2) + "\n"


def read_generations(layout: Layout) -> generations.Generations:
    """The generations of the host, now."""
    found: generations.Generations = read_fact(host, Generations, layout=layout)
    outcome_of(ctx_host.get()).serving = found.serving
    return found


def resolve(spec: GenerationSpec) -> ResolvedSpec:
    """What the spec comes to with the tools on the host, for operations after the packages."""
    python: str | None = read_once(Python)
    return spec.resolve(read_toolchain(spec.build.backend, spec.build.gpu), python)


def read_toolchain(backend: str, gpu: Gpu | None) -> toolchain.Toolchain:
    """The tools on the host that a build for this backend and GPU is made with."""
    return read_once(Toolchain, **toolchain_of(backend, gpu))


def toolchain_of(backend: str, gpu: Gpu | None) -> dict[str, Any]:
    """What the fact Toolchain is asked with for a backend and GPU."""
    driver = vulkan_driver(gpu) if backend == "vulkan" else ""
    return {"packages": BACKEND_PACKAGES[backend], "driver": driver}


def rejection(layout: Layout, spec: GenerationSpec) -> Generation | None:
    """The rejected generation that was made from this spec, unless it is to be tried again.

    A run that rejects one ends with it, so the generations are asked for once.
    """
    if spec.settings.retry:
        return None
    found = read_once(Generations, layout=layout)
    return found.rejection(resolve(spec).fingerprint) if found.has_rejected else None


def manifest(number: int, spec: GenerationSpec, **more: Any) -> dict[str, Any]:
    """The manifest of a new generation, without its status."""
    resolved = resolve(spec)
    build, model = spec.build, spec.model
    return {
        "number": number,
        "created": now(),
        "fingerprint": resolved.fingerprint,
        "label": spec.label,
        "release": {"label": build.release.label, "commit": build.release.commit},
        "backend": build.backend,
        "gpu": build.gpu and build.gpu.to_json(),
        "vulkan": resolved.device_name,
        "model": {
            "name": model.name,
            "file": spec.model_file,
            "sha256": model.sha256,
            "size": model.size,
        },
        "settings": spec.relevant_settings,
        "listen": spec.settings.proxy_address,
        "port": spec.settings.whisper_port,
        "socket": True,
        "wyoming": spec.settings.wyoming,
        "parts": {
            "build": f"whisper.cpp/builds/{resolved.recipe.name}",
            "proxy": f"whisper-proxy-{spec.proxy}",
            "venv": f"whisper-proxy-venv-{resolved.venv}",
            "model": f"whisper.cpp/models/{spec.model_file}",
            **_wyoming(resolved),
        },
        **more,
    }


def _wyoming(resolved: ResolvedSpec) -> dict[str, str]:
    """The part of a generation that Home Assistant asks, where it is wanted."""
    wanted = resolved.spec.settings.wyoming
    return {WYOMING.part: f"{WYOMING.directory}-{resolved.wyoming_venv}"} if wanted else {}


def write_generation(
    layout: Layout, manifest: dict[str, Any], files: dict[str, str] | None = None
) -> StringCommand:
    """The command that writes a generation; without files, one that only is remembered."""
    parts = [manifest["parts"].get(name, "") if files else "" for name in generations.PARTS]
    texts = {**(files or {}), "manifest.json": as_json(manifest)}
    words = [word for pair in texts.items() for word in pair]
    number = str(manifest["number"])
    return script("write-generation", layout.services, number, *parts, *words)


def record(layout: Layout, manifest: dict[str, Any]) -> StringCommand:
    """The command that notes in a generation's manifest what has become of it."""
    path = f"{layout.generations}/{manifest['number']}/manifest.json"
    return script("write", path, as_json(manifest))


def remember_rejection(layout: Layout, spec: GenerationSpec, reason: str) -> StringCommand:
    """The command that remembers that this spec was rejected before it could serve."""
    number = read_generations(layout).next_number
    return write_generation(
        layout,
        manifest(
            number,
            spec,
            revisions={"server": "", "proxy": ""},
            status=generations.REJECTED,
            rejected={"when": now(), "reason": reason},
        ),
    )
