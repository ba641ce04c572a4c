"""How a host is: a row for each part of it, and what mends that part where it is not well."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.build import changed_packages
from core.diagnosis import DEPLOY_AGAIN, Cause
from core.gate import recorded_speeds
from core.gpu import Gpu
from core.models import Model
from core.speech import SAMPLE_SECONDS, is_spoken
from core.speed import Speed, fastest

# What the guide that this project began with measured.
GUIDE = "480 ms total, 93 ms encode, 23x real time (RX 7800 XT, small.en)"
# Seconds that an answer may take more than the build did when it was tried: it may have to queue.
PATIENCE = 2


@dataclass(frozen=True)
class Row:
    """One part of a host: its name, what was found, and what mends it, empty where it is well."""

    name: str
    found: str
    fix: str = ""


@dataclass(frozen=True)
class Wish:
    """What is to be there: the backend, the GPU and the architectures to build for, the model."""

    backend: str
    gpu: Gpu | None
    gpu_targets: tuple[str, ...]
    model: Model


def table(rows: Sequence[Row]) -> list[tuple[str, bool]]:
    """The lines to print, and whether each is about what is not well.

    A line for each part, and below it what mends it where that is needed.
    """
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        ill = bool(row.fix)
        lines.append((f"{'no' if ill else 'ok'}  {row.name:<{width}}  {row.found}", ill))
        if ill:
            lines.append((f"    {'':<{width}}  to mend it: {row.fix}", ill))
    return lines


def verdict(rows: Sequence[Row]) -> str:
    """What is not well, in a line; empty where all is."""
    ill = [row.name for row in rows if row.fix]
    return f"not well: {', '.join(ill)}" if ill else ""


def gpu(wish: Wish) -> Row:
    """The GPU that the kernel shows."""
    if wish.gpu:
        return Row("GPU", wish.gpu.label + ("" if wish.backend == "hip" else "; not used"))
    if wish.backend == "hip":
        found = "the kernel shows none, whisper_backend=hip wants one"
        return Row("GPU", found, "sudo dmesg | grep -E 'amdgpu|kfd'")
    return Row("GPU", "none; the CPU is used")


def rocm(wish: Wish, missing: Sequence[str], tools: Sequence[str]) -> Row:
    """The packages: `missing` are those that are not there, `tools` versions of those that are."""
    name = "ROCm" if wish.backend == "hip" else "packages"
    if missing:
        return Row(name, f"lacks {', '.join(missing)}", f"sudo pacman -Syu {' '.join(missing)}")
    versions = [tool for tool in tools if not tool.startswith("cpu ")]
    return Row(name, ", ".join(versions))


def build(wish: Wish, there: bool, manifest: Mapping[str, Any] | None, tools: Sequence[str]) -> Row:
    """The live build: `there` is whether there is one, the manifest is None for one by hand."""
    if not there:
        return Row("build", "there is none", DEPLOY_AGAIN)
    if manifest is None:
        return Row("build", "made by hand, from what is not known", DEPLOY_AGAIN)
    label = f"whisper.cpp {manifest['release']['label']}"
    if manifest["backend"] != wish.backend:
        found = f"{label} for {manifest['backend']}, asked for is {wish.backend}"
        return Row("build", found, DEPLOY_AGAIN)
    built = manifest["built"][:10]
    if wish.backend == "cpu":
        return Row("build", f"{label} for the CPU, of {built}")
    targets = _targets(manifest)
    if wish.gpu and wish.gpu.target not in targets:
        found = f"{label} for {', '.join(targets)}: no code for {wish.gpu.target}"
        return Row("build", found, f"{DEPLOY_AGAIN} --data gpu_targets=auto")
    changed = changed_packages(manifest, tools)
    if changed:
        found = f"{label} of {built}, when ROCm was another: now {', '.join(changed)}"
        return Row("build", found, DEPLOY_AGAIN)
    return Row("build", f"{label} for {', '.join(targets)}, of {built}")


def _targets(manifest: Mapping[str, Any]) -> list[str]:
    option = "-DAMDGPU_TARGETS="
    found = (word for word in manifest["cmake_arguments"] if word.startswith(option))
    return next(found, option).removeprefix(option).split(";")


def model(wish: Wish, sha256: str | None) -> Row:
    """The model: the SHA-256 of its file, None where there is none."""
    name = wish.model.name
    if sha256 is None:
        return Row("model", f"{name} is not there", DEPLOY_AGAIN)
    if sha256 != wish.model.sha256:
        return Row("model", f"{wish.model.file_name} is another file than {name}", DEPLOY_AGAIN)
    return Row("model", f"{name}, its SHA-256 is right")


def access(obstacle: Cause | None) -> Row:
    """Whether the user's services may use the GPU's devices."""
    if obstacle:
        return Row("access", obstacle.what, obstacle.mend)
    return Row("access", "/dev/kfd and the render node open to the user's services")


def device(elsewhere: str | None, cause: Cause | None, used: str) -> Row:
    """What whisper-server computes on: `elsewhere` where it should not, `used` where it should."""
    if elsewhere is None:
        return Row("device in use", used)
    found = f"{elsewhere}; the cause: {cause.what}" if cause else elsewhere
    return Row("device in use", found, cause.mend if cause else DEPLOY_AGAIN)


def service(name: str, unit: str, active: str, enabled: str) -> Row:
    """A unit of the user's: its states as systemd names them."""
    if active != "active":
        return Row(name, f"{unit} is {active}", _restart(unit))
    if enabled != "enabled":
        fix = f"systemctl --user enable {unit}"
        return Row(name, f"{unit} runs, but will not after a boot", fix)
    return Row(name, f"{unit} runs, and after a boot too")


def _restart(unit: str) -> str:
    return f"systemctl --user restart {unit}; journalctl --user -u {unit} -n 20 says why"


def linger(lingers: bool, user: str) -> Row:
    """Whether the services run without a login."""
    if lingers:
        return Row("without a login", "the services run")
    return Row("without a login", "nothing runs", f"sudo loginctl enable-linger {user}")


def endpoint(name: str, url: str, status: int, body: str, unit: str) -> Row:
    """What a server answers at its /health: the HTTP status, 0 where nobody answers."""
    if status == 0:
        return Row(name, f"nobody answers at {url}", _restart(unit))
    if status != 200 or '"degraded"' in body:
        fix = f"journalctl --user -u {unit} -n 20"
        return Row(name, f"{url} answers {status}: {body[:200]}", fix)
    return Row(name, f"{url} answers")


def speech(url: str, text: str, seconds: float, best: Speed | None) -> Row:
    """What the proxy makes of the sample, in so many seconds; `best` is what the build can do."""
    if not is_spoken(text):
        found = f"{url} does not transcribe the sample: {text[:160] or 'no answer'}"
        return Row("speech", found, DEPLOY_AGAIN)
    found = f"the sample of {SAMPLE_SECONDS} s transcribed in {seconds:.2f} s"
    if best and seconds > best.total / 1000 * 2 + PATIENCE:
        found += f", where {best.total / 1000:.2f} s were enough when it was built"
        return Row("speech", found, "end what else uses the GPU or the CPU: rocm-smi, top")
    return Row("speech", found)


def speed(wish: Wish, manifest: Mapping[str, Any] | None) -> list[Row]:
    """How fast the build was when it was tried, each way, beside the guide's."""
    speeds = recorded_speeds(manifest or {}, wish.model)
    best = fastest(speeds)
    if best is None:
        return [Row("speed", f"never measured with {wish.model.name}", DEPLOY_AGAIN)]
    others = [speed for speed in speeds if speed != best]
    other = f"; {_with(others[0])}: {others[0].total:.0f} ms" if others else ""
    own = f"{best.label} ({wish.model.name}, {_with(best)}{other})"
    return [Row("speed", own), Row("guide's speed", GUIDE)]


def _with(speed: Speed) -> str:
    return f"{'with' if speed.flash_attention else 'without'} flash attention"


def voicemode(wanted: str, found: Sequence[tuple[str, str]]) -> Row:
    """Which files set where VoiceMode finds its server, with what value each."""
    others = [f"{path} says {value}" for path, value in found if wanted not in value]
    if others:
        fix = f"make it {wanted} there, and restart Claude Code"
        return Row("VoiceMode", "; ".join(others), fix)
    if not found:
        return Row("VoiceMode", "nothing names the proxy", DEPLOY_AGAIN)
    return Row("VoiceMode", f"is pointed at {wanted}; one that runs reads it when it is restarted")
