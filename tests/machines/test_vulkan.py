"""A card that is used by Vulkan, and the processor in the guise of one, which is refused.

There is no AMD card here. A fake stands in for one (see vulkan_card.py).
"""

from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines import vulkan_card
from tests.machines.deploying import health, raise_boxes
from tests.machines.doctoring import examined
from tests.machines.vulkan_card import FALLEN_BACK, LLVMPIPE, NAME, ON_LLVMPIPE, SETTINGS

LABEL = "AMD GPU (gfx1101, 16 GiB, 0000:03:00.0)"


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("vulkan-card", base=served) as (serving,):
        vulkan_card.insert(serving)
        yield serving


def test_a_card_by_vulkan_is_well_and_that_hip_was_refused_is_no_failure(box: Box):
    table = examined(box, **SETTINGS)
    rows = table.rows
    assert (table.status, table.ill) == (0, set())
    assert rows["GPU"] == f"OK  {LABEL}"
    assert rows["backend"].startswith("WARN  Vulkan, as HIP was refused on 2026-11-30\n")
    assert "cause: whisper-cli ended with signal 6" in rows["backend"]
    assert "shaderc" in rows["Vulkan"]
    assert rows["access"] == "OK  the user's services may open the render node"
    assert rows["device in use"] == f"OK  {NAME}, 76 MiB of its memory"
    assert health(box)["in_use"] == "gpu"


@pytest.mark.parametrize(
    ("mode", "found", "cause"),
    [
        (
            ON_LLVMPIPE,
            f"{LLVMPIPE}, which is the CPU, instead of {LABEL}",
            "llvmpipe, Vulkan's driver for the CPU, was taken",
        ),
        (
            FALLEN_BACK,
            "cpu instead of vulkan (whisper_backend_init_gpu: no GPU found)",
            f"Vulkan does not show {LABEL}",  # RADV is asked for real, and finds no card
        ),
    ],
)
def test_the_cpu_is_refused_in_every_guise(box: Box, mode: str, found: str, cause: str):
    vulkan_card.serve(box, mode, in_use="cpu")
    try:
        table = examined(box, **SETTINGS)
        assert table.ill == {"device in use", "proxy"}
        assert table.rows["device in use"].startswith(f"FAIL  {found}\n")
        assert f"cause: {cause}" in table.rows["device in use"]
        assert health(box)["in_use"] == "cpu"
    finally:
        vulkan_card.serve(box)
