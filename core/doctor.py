"""How a host is: a row for each part of it, and what mends that part where it is not well."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.backend_log import usage
from core.build import ROCM_PACKAGES, changed_packages
from core.diagnosis import DEPLOY_AGAIN, Cause
from core.gate import recorded_speeds
from core.gpu import Gpu, choose_backend
from core.layout import SERVER_UNIT
from core.models import Model
from core.speech import SAMPLE_SECONDS, is_spoken
from core.speed import Speed, fastest

# What the guide that this project began with measured.
GUIDE = "480 ms total, 93 ms encode, 23x real time (RX 7800 XT, small.en)"
# Seconds that an answer may take more than the build did when it was tried: it may have to queue.
PATIENCE = 2


@dataclass(frozen=True)
class Row:
    """One part of a host: its name, what was found, and what mends it, empty where it is well.

    `cause` is why it is not, where that is known and is not what was found.
    """

    name: str
    found: str
    fix: str = ""
    cause: str = ""


@dataclass(frozen=True)
class Wish:
    """What is to be there: the backend, the GPU, the model."""

    backend: str
    gpu: Gpu | None
    model: Model


def wished_backend(setting: str, gpu: Gpu | None, manifest: Mapping[str, Any] | None) -> str:
    """The backend that whisper_backend means on a host with this GPU and this live build.

    A GPU that was built for and is not shown any more is missing, and not done without.
    """
    if gpu:
        return choose_backend(setting, gpu)
    if setting == "auto" and manifest:
        return str(manifest["backend"])
    return "hip" if setting == "hip" else "cpu"


def table(rows: Sequence[Row]) -> list[tuple[str, bool]]:
    """The lines to print, and whether each is about what is not well.

    A line for each part, and below it the cause and what mends it where that is needed.
    """
    width = max(len(row.name) for row in rows)
    lines = []
    for row in rows:
        ill = bool(row.fix)
        lines.append((f"{'no' if ill else 'ok'}  {row.name:<{width}}  {row.found}", ill))
        if row.cause:
            lines.append((f"    {'':<{width}}  the cause: {row.cause}", ill))
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
        found = "the kernel shows none, asked for was hip"
        return Row("GPU", found, "sudo dmesg | grep -E 'amdgpu|kfd'")
    return Row("GPU", "none; the CPU is used")


def rocm(wish: Wish, missing: Sequence[str], tools: Sequence[str]) -> Row:
    """The packages: `missing` are those that are not there, `tools` versions of those that are."""
    name = "ROCm" if wish.backend == "hip" else "packages"
    if missing:
        return Row(name, f"lacks {', '.join(missing)}", f"sudo pacman -Syu {' '.join(missing)}")
    told = ROCM_PACKAGES if wish.backend == "hip" else ("c++",)
    return Row(name, ", ".join(tool for tool in tools if tool.startswith(told)))


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


def access(obstacle: Cause | None, tried: bool) -> Row:
    """Whether the user's services may use the GPU's devices; `tried` is whether one could try."""
    if obstacle:
        return Row("access", obstacle.what, obstacle.mend)
    if not tried:
        found = "not known: the user's service manager starts nothing"
        return Row("access", found, "systemctl --user status")
    return Row("access", "the user's services may open /dev/kfd and the render node")


def in_use(wish: Wish, log: Sequence[str], memory: int | None) -> str:
    """The GPU that whisper-server uses, as its log tells, and its memory as the kernel does."""
    used = usage(log)
    name = f"{used.device} ({used.gfx})" if used.gfx else wish.gpu and wish.gpu.label
    return f"{name}, {memory >> 20} MiB of its memory" if memory else str(name)


def device(
    elsewhere: str | None, cause: Cause | None, used: str, obstacle: Cause | None = None
) -> Row:
    """What whisper-server computes on: `elsewhere` where it should not, `used` where it should.

    `obstacle` is what the row on access has told.
    """
    name = "device in use"
    if elsewhere is None:
        return Row(name, used)
    if cause is None:
        return Row(name, elsewhere, _restart(SERVER_UNIT))
    if cause == obstacle:
        fix = f"systemctl --user restart {SERVER_UNIT}  # when access is mended"
        return Row(name, elsewhere, fix, "see access")
    return Row(name, elsewhere, cause.mend, cause.what)


def service(name: str, unit: str, active: str, enabled: str) -> Row:
    """A unit of the user's: its states as systemd names them."""
    if not enabled:
        return Row(name, f"there is no {unit}", DEPLOY_AGAIN)
    if active != "active":
        return Row(name, f"{unit} is {active}", _restart(unit))
    if enabled != "enabled":
        fix = f"systemctl --user enable {unit}"
        return Row(name, f"{unit} runs, but will not after a boot", fix)
    return Row(name, f"{unit} runs, and after a boot too")


def _restart(unit: str) -> str:
    return f"systemctl --user restart {unit}; journalctl --user -u {unit} -n 20"


def linger(lingers: bool, user: str) -> Row:
    """Whether the services run without a login."""
    if lingers:
        return Row("without a login", "the services run")
    return Row("without a login", "nothing runs", f"sudo loginctl enable-linger {user}")


def endpoint(name: str, url: str, status: int, body: str, unit: str) -> Row:
    """What a server answers at its /health: the HTTP status, 0 where nobody answers.

    What the proxy complains of is whisper-server.
    """
    if status == 0:
        return Row(name, f"nobody answers at {url}", _restart(unit))
    said = _health(body)
    if status != 200 or said.get("status") == "degraded":
        word = said.get("status") or f"HTTP status {status}"
        # What follows the semicolon there is who says more: that is here.
        reason = str(said.get("reason") or "").partition(";")[0].rstrip(".")
        on_cpu = said.get("in_use") == "cpu"
        fix = "see device in use" if on_cpu else f"journalctl --user -u {SERVER_UNIT} -n 20"
        return Row(name, f"{url} says {word}{reason and ': '}{reason}", fix)
    return Row(name, f"{url} answers")


def _health(body: str) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def speech(url: str, text: str, seconds: float, best: Speed | None) -> Row:
    """What the proxy makes of the sample, in so many seconds; `best` is what the build can do."""
    if not is_spoken(text):
        found = f"{url} does not transcribe the sample: {text[:160] or 'no answer'}"
        return Row("speech", found, DEPLOY_AGAIN)
    found = f"the sample of {SAMPLE_SECONDS} s transcribed in {seconds:.2f} s"
    if best and seconds > best.total / 1000 * 2 + PATIENCE:
        found += f", where {best.total / 1000:.2f} s were enough when it was built"
        return Row("speech", found, "rocm-smi; top  # end what else uses the GPU or the CPU")
    return Row("speech", found)


def speed(wish: Wish, manifest: Mapping[str, Any] | None) -> list[Row]:
    """How fast the build was when it was tried, each way, beside the guide's."""
    speeds = recorded_speeds(manifest or {}, wish.model)
    best = fastest(speeds)
    if best is None:
        return [Row("speed", f"never measured with {wish.model.name}", DEPLOY_AGAIN)]
    others = [speed for speed in speeds if speed != best]
    other = f", {_with(others[0])} {others[0].total:.0f} ms" if others else ""
    own = f"{best.label} ({wish.model.name}, {_with(best)} flash attention{other})"
    return [Row("speed", own), Row("guide's speed", GUIDE)]


def _with(speed: Speed) -> str:
    return "with" if speed.flash_attention else "without"


def voicemode(key: str, wanted: str, found: Sequence[tuple[str, str]]) -> Row:
    """Which files set the variable that tells VoiceMode its servers, with what value each.

    Of several servers it asks the first one first.
    """
    others = [(path, value) for path, value in found if not _is_first(wanted, value)]
    if others:
        files = " ".join(dict.fromkeys(path for path, _ in others))
        fix = f"sed -i 's,{key}=.*,{key}={wanted},' {files}  # then restart Claude Code"
        return Row("VoiceMode", "; ".join(f"{path} says {value}" for path, value in others), fix)
    if not found:
        return Row("VoiceMode", "nothing names the proxy", DEPLOY_AGAIN)
    return Row("VoiceMode", f"is pointed at {wanted}; one that runs reads it when it is restarted")


def _is_first(wanted: str, value: str) -> bool:
    first = value.split(",")[0].strip().rstrip("/")
    return first.replace("//localhost:", "//127.0.0.1:") == wanted
