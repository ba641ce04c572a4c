"""What the repositories of boxes have under Arch's names."""

import re

import pytest

from bench.builds import ROCM
from tests.boxes import kinds
from tests.boxes.kinds import HIP, PLAIN
from voicemode_whisper.core.build import ROCM_PACKAGES, packages

VULKAN = {
    *("shaderc", "spirv-headers", "vulkan-headers", "vulkan-icd-loader"),
    *("vulkan-radeon", "vulkan-swrast", "vulkan-tools"),
}
OFFERED = {*HIP.contents.targets, *HIP.contents.aliases}


def test_it_has_what_the_deploy_installs_and_asks_for():
    assert {*packages("hip"), *ROCM_PACKAGES} <= OFFERED
    assert "rocm-hip-sdk" not in {*PLAIN.contents.targets, *PLAIN.contents.aliases}


@pytest.mark.parametrize("kind", kinds.ALL)
def test_every_box_can_have_vulkan(kind: kinds.Kind):
    contents = kind.contents
    arch = {name for parts in contents.split.values() for name in parts}
    assert {*contents.targets, *contents.aliases, *arch} >= VULKAN
    assert set(contents.split) <= set(contents.targets)


def test_what_is_behind_an_arch_name_is_there():
    behind = {name for names in HIP.contents.aliases.values() for name in names}
    assert behind <= OFFERED


def test_the_compiler_is_linked_to_by_a_package():
    links = HIP.contents.links["rocm-llvm"]
    assert any(ROCM.hip_compiler.startswith(f"/{path}/") for path in links)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("usr/lib/x86_64-linux-gnu/rocblas/4.4.1/library/Kernels.so-000-gfx1101.hsaco", True),
        ("usr/lib/x86_64-linux-gnu/rocblas/4.4.1/library/T_HH_fallback.dat", True),
        ("usr/lib/x86_64-linux-gnu/rocblas/4.4.1/library/T_HH_gfx1101.dat", True),
        ("usr/lib/x86_64-linux-gnu/rocblas/4.4.1/library/T_HH_fallback_gfx90a-xnack+.hsaco", False),
        ("usr/lib/x86_64-linux-gnu/rocblas/4.4.1/library/Kernels.so-000-gfx1010.hsaco", False),
        ("usr/lib/x86_64-linux-gnu/librocblas.so.4.4", True),
    ],
)
def test_rocblas_has_code_for_one_card(path: str, kept: bool):
    assert (re.search(HIP.contents.left_out, path) is None) is kept
    assert re.search(PLAIN.contents.left_out, path) is None


def test_kinds_are_told_apart_by_their_suffix():
    assert len({kind.suffix for kind in kinds.ALL}) == len(kinds.ALL)
