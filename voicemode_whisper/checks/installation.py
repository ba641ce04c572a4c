"""What is installed: the generation that serves, the packages, the build and the model."""

from collections.abc import Sequence

from voicemode_whisper.checks.examination import Examination
from voicemode_whisper.core.build import BACKEND_PACKAGES
from voicemode_whisper.core.health import installation
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.facts.files import Exists
from voicemode_whisper.facts.pacman import MissingPackages
from voicemode_whisper.facts.toolchain import Toolchain
from voicemode_whisper.operations.util.model_sum import take_sum


def generation(exam: Examination) -> CheckResult:
    """What serves."""
    return installation.generation(exam.generations)


def components(exam: Examination) -> list[CheckResult]:
    """The packages, the build and the model."""
    host, backend = exam.host, exam.expected.backend
    missing: list[str] = host.fact(MissingPackages, packages=host.packages_of(backend))
    kept = BACKEND_PACKAGES[backend]
    tools: tuple[str, ...] = host.fact(Toolchain, packages=kept).versions
    return [
        installation.packages(exam.expected, missing, tools),
        _build(exam, tools),
        _model(exam),
    ]


def _build(exam: Examination, tools: Sequence[str]) -> CheckResult:
    there: bool = exam.host.fact(Exists, path=f"{exam.host.layout.build}/bin/whisper-server")
    changed = exam.on_disk.changed_build
    if exam.serves and changed:
        return installation.changed_build(exam.part(exam.serves, "build"), changed)
    return installation.build(exam.expected, there, exam.manifest, tools)


def _model(exam: Examination) -> CheckResult:
    host, serves = exam.host, exam.serves
    file, path = host.model_files.get(host.model_file), host.model_path
    taken = take_sum(host.pyinfra, path) if file and host.settings.doctor == "full" else ""
    served = (serves.manifest.get("model") or {}).get("name", "") if serves else ""
    return installation.model(exam.expected, path, file, taken, served)
