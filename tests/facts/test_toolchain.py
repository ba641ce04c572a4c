"""What the shell makes of this machine's tools."""

import re
from pathlib import Path

from tests.facts.answers import answer, program
from voicemode_whisper.facts.toolchain import Toolchain


def test_packages_compiler_and_processor(tmp_path: Path):
    program(tmp_path, "pacman", '[ "$1" = -Q ] && shift && printf "%s 7.1-1\\n" "$@"')
    program(tmp_path, "c++", "printf 'c++ (GCC) 15.2.1\\nCopyright\\n'")
    *tools, processor = answer(Toolchain, programs=tmp_path, packages=["rocblas", "hipblas"])
    assert tools == ["rocblas 7.1-1", "hipblas 7.1-1", "c++ (GCC) 15.2.1"]
    assert re.fullmatch("cpu [0-9a-f]{12}", processor)


def test_without_packages_pacman_is_not_asked(tmp_path: Path):
    program(tmp_path, "pacman", "echo asked")
    assert "asked" not in answer(Toolchain, programs=tmp_path, packages=[])
