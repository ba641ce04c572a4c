"""What is installed: the generation that serves, the packages, the build and the model."""

from collections.abc import Mapping, Sequence
from typing import Any

from voicemode_whisper.core.build import BACKEND_PACKAGES, changed_packages
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.generations import CONFIRMED, REJECTED, Generations
from voicemode_whisper.core.health.report import CheckResult, ExpectedState
from voicemode_whisper.core.models import ModelFile


def generation(generations: Generations) -> CheckResult:
    """What serves, and what was rejected after it."""
    serving = generations.serving
    if serving is None:
        return CheckResult("generation", "none is set up", DEPLOY_AGAIN)
    found = f"{serving.number} ({serving.label}), {serving.status}"
    found += f" {serving.when[:10]}" if serving.when else ""
    if serving.status != CONFIRMED:
        return CheckResult("generation", found, DEPLOY_AGAIN)
    rejected = [one for one in generations.all if one.status == REJECTED]
    if rejected and rejected[-1].number > serving.number:
        last = rejected[-1]
        found += f"; {last.title} was rejected on {last.when[:10]}: {last.reason}"
    return CheckResult("generation", found)


# How the packages of a backend are called.
PACKAGES = {"hip": "ROCm", "vulkan": "Vulkan", "cpu": "packages"}


def packages(expected: ExpectedState, missing: Sequence[str], tools: Sequence[str]) -> CheckResult:
    """The packages: `missing` are those that are not there, `tools` versions of those that are."""
    name = PACKAGES[expected.backend]
    if missing:
        return CheckResult(
            name, f"lacks {', '.join(missing)}", f"sudo pacman -Syu {' '.join(missing)}"
        )
    told = BACKEND_PACKAGES[expected.backend] or ("c++",)
    return CheckResult(name, ", ".join(tool for tool in tools if tool.startswith(told)))


def build(
    expected: ExpectedState, there: bool, manifest: Mapping[str, Any] | None, tools: Sequence[str]
) -> CheckResult:
    """The live build: `there` is whether there is one, the manifest is None for one by hand."""
    if not there:
        return CheckResult("build", "there is none", DEPLOY_AGAIN)
    if manifest is None:
        return CheckResult("build", "made by hand, from what is not known", DEPLOY_AGAIN)
    label = f"whisper.cpp {manifest['release']['label']}"
    if manifest["backend"] != expected.backend:
        found = f"{label} for {manifest['backend']}, asked for is {expected.backend}"
        return CheckResult("build", found, DEPLOY_AGAIN)
    built = manifest["built"][:10]
    if expected.backend == "cpu":
        return CheckResult("build", f"{label} for the CPU, of {built}")
    if expected.backend == "vulkan":
        return CheckResult("build", f"{label} with Vulkan, of {built}")
    targets = _targets(manifest)
    if expected.gpu and expected.gpu.target not in targets:
        found = f"{label} for {', '.join(targets)}: no code for {expected.gpu.target}"
        return CheckResult("build", found, f"{DEPLOY_AGAIN} --data gpu_targets=auto")
    changed = changed_packages(manifest, tools)
    if changed:
        found = f"{label} of {built}, when ROCm was another: now {', '.join(changed)}"
        return CheckResult("build", found, DEPLOY_AGAIN)
    return CheckResult("build", f"{label} for {', '.join(targets)}, of {built}")


def changed_build(path: str, files: Sequence[str]) -> CheckResult:
    """A build at `path` of which these files are not those that were accepted."""
    found = f"changed since it was accepted: {', '.join(files)}"
    return CheckResult("build", found, f"rm -r {path} && {DEPLOY_AGAIN}")


def _targets(manifest: Mapping[str, Any]) -> list[str]:
    option = "-DAMDGPU_TARGETS="
    found = (word for word in manifest["cmake_arguments"] if word.startswith(option))
    return next(found, option).removeprefix(option).split(";")


def model(
    expected: ExpectedState, path: str, file: ModelFile | None, taken: str = "", served: str = ""
) -> CheckResult:
    """The model at `path`: `file` is what is known of it, None where there is none.

    `taken` is the SHA-256 of the whole file, where it was taken now; `served` the name of the model
    that serves, where that is known.
    """
    name = expected.model.name
    if served and served != name:
        return CheckResult("model", f"{served} serves, asked for is {name}", DEPLOY_AGAIN)
    if file is None:
        return CheckResult("model", f"{name} is not there", DEPLOY_AGAIN)
    if (taken or file.sha256) != expected.model.sha256:
        found = f"{expected.model.file_name} is another file than {name}"
        # What a sample of it does not show, the deploy does not see either: it is to read it all.
        touch = f"touch {path} && " if file.sha256 == expected.model.sha256 else ""
        return CheckResult("model", found, touch + DEPLOY_AGAIN)
    if file.stamped and not taken:
        return CheckResult("model", f"{name}, a sample of it is as when its SHA-256 was right")
    return CheckResult("model", f"{name}, its SHA-256 is right")
