"""GPUs as the kernel shows them."""

import pytest

from core.gpu import Gpu, choose_backend, choose_gpu, gfx_name, parse_topology
from core.refusal import Refusal

NODES = "/sys/class/kfd/kfd/topology/nodes"
CARD = Gpu(0, "gfx1101", 17163091968)
INTEGRATED = Gpu(1, "gfx1036", 536870912)
# A Ryzen 7000 with an RX 7800 XT: the keys that are read, as grep -rH prints them.
TOPOLOGY = [
    f"{NODES}/0/properties:gfx_target_version 0",
    f"{NODES}/0/mem_banks/0/properties:heap_type 0",
    f"{NODES}/0/mem_banks/0/properties:size_in_bytes 66714611712",
    f"{NODES}/2/properties:gfx_target_version 100306",
    f"{NODES}/2/mem_banks/0/properties:heap_type 1",
    f"{NODES}/2/mem_banks/0/properties:size_in_bytes 536870912",
    f"{NODES}/1/properties:gfx_target_version 110001",
    f"{NODES}/1/mem_banks/0/properties:heap_type 1",
    f"{NODES}/1/mem_banks/0/properties:size_in_bytes 17163091968",
    "grep: something else",
]


@pytest.mark.parametrize(
    ("version", "gfx"),
    [(110001, "gfx1101"), (90010, "gfx90a"), (100306, "gfx1036"), (120001, "gfx1201")],
)
def test_the_architecture_is_decoded(version, gfx):
    assert gfx_name(version) == gfx


def test_the_gpus_are_read_with_their_memory():
    assert parse_topology(TOPOLOGY) == [CARD, INTEGRATED]


def test_no_topology_is_no_gpu():
    assert parse_topology([]) == []
    assert choose_gpu([]) is None


def test_the_card_comes_before_the_integrated_graphics():
    assert choose_gpu([INTEGRATED, CARD]) == CARD


@pytest.mark.parametrize(
    ("wanted", "gpu", "backend"),
    [
        ("auto", CARD, "hip"),
        ("auto", None, "cpu"),
        ("cpu", CARD, "cpu"),
        ("cpu", None, "cpu"),
        ("hip", CARD, "hip"),
    ],
)
def test_the_backend_follows_the_wish_and_the_gpu(wanted, gpu, backend):
    assert choose_backend(wanted, gpu) == backend


def test_hip_without_a_gpu_is_refused():
    with pytest.raises(Refusal, match=r"whisper_backend: got 'hip', but .* no AMD GPU"):
        choose_backend("hip", None)
