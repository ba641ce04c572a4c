"""What building costs: this deploy's recipe beside that of the hand-written guide.

Same source, whisper.cpp v1.9.1, for an RX 7800 XT. The guide compiles for three cards, and all of
upstream's programs, tests and examples; this deploy for the card that is there, and two programs.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from voicemode_whisper.core.build import PROGRAMS, cmake_arguments
from voicemode_whisper.core.toolchain import Toolchain

from .table import aligned, number

RELEASE = "v1.9.1"
GOAL = 0.4
RECORD = Path(__file__).with_name("builds.json")


@dataclass(frozen=True)
class Way:
    """One way of building: the GPU architectures, CMake's arguments, and what ninja makes of it.

    No targets are all that there are. CMake is run by `script`, if there is one.
    """

    name: str
    architectures: tuple[str, ...]
    arguments: tuple[str, ...]
    targets: tuple[str, ...] = ()
    script: str = ""


# Where Arch has it.
ROCM = Toolchain(rocm="/opt/rocm", hip_compiler="/opt/rocm/lib/llvm/bin/clang++")
DEPLOY = Way(
    "this deploy",
    ("gfx1101",),
    cmake_arguments("hip", ("gfx1101",), ROCM),
    PROGRAMS,
    "configure-hip",
)
_CARDS = ("gfx1100", "gfx1101", "gfx1102")
# The guide sets no compiler: it relies on a login shell that finds ROCm's. So that both are built
# with the same one, it is named here.
GUIDE = Way(
    "the guide's recipe",
    _CARDS,
    (
        "-DGGML_HIP=ON",
        f"-DAMDGPU_TARGETS={';'.join(_CARDS)}",
        "-DCMAKE_BUILD_TYPE=Release",
        "-DWHISPER_BUILD_SERVER=ON",
        "-DGGML_CCACHE=OFF",
        *(word for word in DEPLOY.arguments if "CMAKE_HIP_COMPILER=" in word or "PREFIX" in word),
    ),
)
WAYS = (DEPLOY, GUIDE)


def edges(lines: Iterable[str]) -> Counter[str]:
    """Return how many of each kind `ninja -n` would run: files of C, CXX and HIP, and links.

    Links to a library's other names cost nothing, and are not counted.
    """
    kinds: Counter[str] = Counter()
    for line in lines:
        compiled = re.search(r"\] Building (\w+) object ", line)
        if compiled:
            kinds[compiled[1]] += 1
        elif re.search(r"\] Linking \w+ ", line):
            kinds["link"] += 1
    return kinds


def objects(lines: Iterable[str], language: str) -> list[str]:
    """Return the object files of a language that `ninja -n` would make, by name."""
    found = (re.search(rf"\] Building {language} object (\S+)$", line) for line in lines)
    return sorted(match[1] for match in found if match)


def compilations(kinds: Mapping[str, int], architectures: int) -> int:
    """Return how often a compiler runs over a file: of HIP, once for each architecture.

    Its run for the processor, which each file of HIP has too, is left out.
    """
    return kinds["C"] + kinds["CXX"] + kinds["HIP"] * architectures


@dataclass(frozen=True)
class Sample:
    """CPU seconds of one file of HIP: compiled for one architecture, and for the guide's three."""

    file: str
    one: float
    three: float


def estimate(samples: Sequence[Sample], hip: float, rest: Mapping[str, float]) -> dict[str, float]:
    """Return the CPU seconds of each way.

    hip: those of all HIP files for one architecture; the samples say what three cost more.
    rest: those of everything else, configuring included, by way.
    """
    factor = sum(sample.three for sample in samples) / sum(sample.one for sample in samples)
    return {DEPLOY.name: hip + rest[DEPLOY.name], GUIDE.name: hip * factor + rest[GUIDE.name]}


def table(counts: Mapping[str, Mapping[str, int]], spent: Mapping[str, float]) -> str:
    """Return the table: edges by way, and CPU seconds by way."""
    kinds = {"files of C": "C", "files of C++": "CXX", "files of HIP": "HIP", "links": "link"}
    runs = {way.name: compilations(counts[way.name], len(way.architectures)) for way in WAYS}
    return aligned(
        [
            ("", DEPLOY.name, GUIDE.name, "goal", ""),
            *(_row(name, {way.name: counts[way.name][kind] for way in WAYS})
              for name, kind in kinds.items()),
            _row("GPU architectures", {way.name: len(way.architectures) for way in WAYS}),
            _row("files times architectures", runs),
            _seconds_row(spent),
        ]
    )  # fmt: skip


def _seconds_row(spent: Mapping[str, float]) -> tuple[str, ...]:
    goal = f"≤ {GOAL} of it"
    ours, guides = spent[DEPLOY.name], spent[GUIDE.name]
    cells = (f"{number(ours, '')} ({ours / guides:.2f})", f"{number(guides, '')} (1.00)")
    return ("CPU seconds", *cells, goal, "met" if ours <= GOAL * guides else "missed")


def _row(name: str, values: Mapping[str, int]) -> tuple[str, ...]:
    guides = values[GUIDE.name]
    cells = (f"{values[way.name]} ({values[way.name] / guides:.2f})" for way in WAYS)
    return (name, *cells, "", "")


@dataclass(frozen=True)
class Record:
    """What a real HIP compiler gave: edges and CPU seconds, both by way, and on what and when."""

    measured: str
    counts: dict[str, dict[str, int]]
    seconds: dict[str, float]


def recorded() -> Record:
    """Return the figures that were measured last."""
    return Record(**json.loads(RECORD.read_text()))


def keep(record: Record) -> None:
    """Make these the figures that were measured last."""
    RECORD.write_text(json.dumps(asdict(record), indent=2) + "\n")


def report(counts: Mapping[str, Mapping[str, int]] | None) -> str:
    """Return the table, with edges that were counted here, or else those of the record."""
    record = recorded()
    counted = "now" if counts else "then too"
    return (
        f"{table(counts or record.counts, record.seconds)}\n\n"
        f"Building whisper.cpp {RELEASE} for an RX 7800 XT; CPU seconds measured on "
        f"{record.measured}; files counted {counted}, from `ninja -n`."
    )
