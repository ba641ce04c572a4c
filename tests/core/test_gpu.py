"""GPUs as the kernel shows them."""

import pytest

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.gpu import (
    LLVMPIPE,
    Gpu,
    choose_backends,
    choose_gpu,
    choose_targets,
    gfx_name,
    parse_topology,
    pci_address,
    reason,
)
from voicemode_whisper.core.placement import device_mismatch, memory_mismatch

NODES = "/sys/class/kfd/kfd/topology/nodes"
CARD = Gpu(0, "gfx1101", 17163091968, "0000:03:00.0", "AMD Radeon RX 7800 XT")
INTEGRATED = Gpu(1, "gfx1036", 536870912, "0000:13:00.0")
# A Ryzen 7000 with an RX 7800 XT: the keys that are read, as grep -rH prints them, and the names
# that libdrm has for what is on the PCI bus.
TOPOLOGY = [
    f"{NODES}/0/properties:gfx_target_version 0",
    f"{NODES}/0/mem_banks/0/properties:heap_type 0",
    f"{NODES}/0/mem_banks/0/properties:size_in_bytes 66714611712",
    f"{NODES}/2/properties:gfx_target_version 100306",
    f"{NODES}/2/properties:location_id 4864",
    f"{NODES}/2/properties:domain 0",
    f"{NODES}/2/mem_banks/0/properties:heap_type 1",
    f"{NODES}/2/mem_banks/0/properties:size_in_bytes 536870912",
    f"{NODES}/1/properties:gfx_target_version 110001",
    f"{NODES}/1/properties:location_id 768",
    f"{NODES}/1/properties:domain 0",
    f"{NODES}/1/mem_banks/0/properties:heap_type 1",
    f"{NODES}/1/mem_banks/0/properties:size_in_bytes 17163091968",
    "grep: something else",
    "pci 0000:03:00.0 amdgpu 17163091968 AMD Radeon RX 7800 XT",
    "pci 0000:13:00.0 amdgpu 536870912 ",
]
HIP, VULKAN, CPU = ("hip", "vulkan"), ("vulkan",), ("cpu",)
# Products, gfx_target_version, its name, what is built for it with HIP, HSA_OVERRIDE_GFX_VERSION,
# what "auto" tries, and what "fastest" does. Every consumer card from Polaris to RDNA4, and the
# processors' graphics of that time.
PRODUCTS = [
    ("RX 460 to 480, 550 to 590", 80003, "gfx803", "gfx803", "", VULKAN, VULKAN),
    ("RX Vega 56, 64", 90000, "gfx900", "gfx900", "", VULKAN, VULKAN),
    ("Radeon VII", 90006, "gfx906", "gfx906", "", VULKAN, VULKAN),
    ("RX 5700, 5700 XT, 5600 XT", 100100, "gfx1010", "gfx1010", "", VULKAN, VULKAN),
    ("RX 5500, 5500 XT, 5300", 100102, "gfx1012", "gfx1012", "", VULKAN, VULKAN),
    ("RX 6800, 6800 XT, 6900 XT, 6950 XT", 100300, "gfx1030", "gfx1030", "", HIP, HIP),
    ("RX 6700, 6700 XT, 6750 XT, 6750 GRE", 100301, "gfx1031", "gfx1030", "10.3.0", HIP, HIP),
    ("RX 6600, 6600 XT, 6650 XT", 100302, "gfx1032", "gfx1030", "10.3.0", HIP, HIP),
    ("RX 6400, 6500 XT", 100304, "gfx1034", "gfx1030", "10.3.0", HIP, HIP),
    ("RX 7900 XTX, 7900 XT, 7900 GRE", 110000, "gfx1100", "gfx1100", "", HIP, HIP),
    ("RX 7800 XT, 7700 XT, 7700", 110001, "gfx1101", "gfx1101", "", HIP, HIP),
    ("RX 7600, 7600 XT, 7400", 110002, "gfx1102", "gfx1102", "", HIP, HIP),
    ("RX 9060, 9060 XT", 120000, "gfx1200", "gfx1200", "", HIP, HIP),
    ("RX 9070, 9070 XT, 9070 GRE", 120001, "gfx1201", "gfx1201", "", HIP, HIP),
    ("Ryzen 2000G to 3000G", 90002, "gfx902", "gfx902", "", VULKAN, VULKAN),
    ("Ryzen 4000G to 5000G, 4000U to 5000U", 90012, "gfx90c", "gfx90c", "", VULKAN, VULKAN),
    ("Steam Deck", 100303, "gfx1033", "gfx1030", "10.3.0", VULKAN, VULKAN),
    ("Radeon 680M, 660M", 100305, "gfx1035", "gfx1030", "10.3.0", VULKAN, VULKAN),
    ("Ryzen 7000 and 9000 desktops", 100306, "gfx1036", "gfx1030", "10.3.0", CPU, VULKAN),
    ("Radeon 610M", 100307, "gfx1037", "gfx1030", "10.3.0", CPU, VULKAN),
    ("Radeon 780M, 760M, 740M", 110003, "gfx1103", "gfx1103", "", VULKAN, VULKAN),
    ("Radeon 890M, 880M", 110500, "gfx1150", "gfx1150", "", HIP, HIP),
    ("Radeon 8060S, 8050S", 110501, "gfx1151", "gfx1151", "", HIP, HIP),
    ("Radeon 860M, 840M", 110502, "gfx1152", "gfx1152", "", VULKAN, VULKAN),
    ("Radeon 820M", 110503, "gfx1153", "gfx1153", "", VULKAN, VULKAN),
]
OLD = Gpu(None, "", 8 << 30, "0000:01:00.0", "AMD Radeon R9 380 Series")


@pytest.mark.parametrize(
    ("version", "gfx"),
    [(110001, "gfx1101"), (90010, "gfx90a"), (100306, "gfx1036"), (120001, "gfx1201")],
)
def test_the_architecture_is_decoded(version, gfx):
    assert gfx_name(version) == gfx


@pytest.mark.parametrize(
    ("products", "version", "gfx", "target", "override", "auto", "both"), PRODUCTS
)
def test_each_gpu_is_built_for_as_it_needs(products, version, gfx, target, override, auto, both):
    gpu = Gpu(0, gfx_name(version), 8 << 30)
    assert (gpu.gfx, gpu.target, gpu.override) == (gfx, target, override), products
    assert choose_backends("auto", gpu) == auto
    assert choose_backends("fastest", gpu) == both
    assert choose_backends("hip", gpu) == ("hip",)
    assert choose_backends("vulkan", gpu) == ("vulkan",)
    assert choose_targets((), gpu) == (target,)


def test_the_gpus_are_read_with_memory_address_and_name():
    assert parse_topology(TOPOLOGY) == [CARD, INTEGRATED]


def test_a_name_has_nothing_that_a_unit_file_would_read_otherwise():
    card, _ = parse_topology(
        [*TOPOLOGY[:-2], 'pci 0000:03:00.0 amdgpu 0 AMD "Radeon" 100% \\ (TM)']
    )
    assert card.name == "AMD Radeon 100  (TM)"


def test_a_label_says_what_is_known():
    assert CARD.label == "AMD Radeon RX 7800 XT (gfx1101, 16 GiB, 0000:03:00.0)"
    assert Gpu(0, "gfx1201", 16 << 30).label == "AMD GPU (gfx1201, 16 GiB)"


@pytest.mark.parametrize(
    ("domain", "location", "address"),
    [(0, 768, "0000:03:00.0"), (0, 4864, "0000:13:00.0"), (1, 0x2F19, "0001:2f:03.1"), (0, 0, "")],
)
def test_the_address_on_the_bus_is_decoded(domain, location, address):
    assert pci_address(domain, location) == address


def test_no_topology_is_no_gpu():
    assert parse_topology([]) == []
    assert choose_gpu([]) is None


def test_the_card_comes_before_the_integrated_graphics_whatever_memory_they_have():
    big = Gpu(1, "gfx1036", 64 << 30)
    assert choose_gpu([INTEGRATED, CARD]) == CARD
    assert choose_gpu([big, CARD]) == CARD
    assert choose_gpu([INTEGRATED]) == INTEGRATED


def test_of_two_cards_the_one_with_more_memory_is_taken():
    small, large = Gpu(0, "gfx1032", 8 << 30), Gpu(1, "gfx1100", 24 << 30)
    assert choose_gpu([small, large]) == large


@pytest.mark.parametrize(
    ("wanted", "gpu", "backend"),
    [
        ("auto", CARD, HIP),
        ("auto", OLD, VULKAN),
        ("auto", None, CPU),
        ("fastest", CARD, HIP),
        ("fastest", OLD, VULKAN),
        ("fastest", None, CPU),
        ("cpu", CARD, CPU),
        ("cpu", None, CPU),
        ("hip", CARD, ("hip",)),
        ("vulkan", CARD, VULKAN),
        ("vulkan", LLVMPIPE, VULKAN),
        ("auto", LLVMPIPE, VULKAN),
    ],
)
def test_the_backend_follows_the_wish_and_the_gpu(wanted, gpu, backend):
    assert choose_backends(wanted, gpu) == backend


@pytest.mark.parametrize("wanted", ["hip", "vulkan"])
def test_a_gpu_that_is_asked_for_and_not_there_is_refused(wanted):
    with pytest.raises(UserError, match=rf"whisper_backend: got '{wanted}', but .* no AMD GPU"):
        choose_backends(wanted, None)


def test_hip_for_a_card_that_the_kernel_does_not_compute_on_is_refused():
    with pytest.raises(
        UserError, match=r"does not know AMD Radeon R9 380 .* allowed here is vulkan"
    ):
        choose_backends("hip", OLD)


@pytest.mark.parametrize(
    ("backend", "wanted", "gpu", "why"),
    [
        ("cpu", "auto", None, "no AMD GPU found"),
        ("cpu", "cpu", CARD, "as whisper_backend says"),
        ("cpu", "auto", INTEGRATED, "two compute units; whisper_backend=vulkan uses them"),
        ("vulkan", "auto", Gpu(0, "gfx1103", 0), "ROCm has no code for gfx1103"),
        ("vulkan", "auto", OLD, "ROCm does not know it"),
        ("vulkan", "vulkan", CARD, "as whisper_backend says"),
        ("hip", "auto", CARD, ""),
    ],
)
def test_why_it_is_no_other_backend_is_said(backend, wanted, gpu, why):
    assert why in reason(backend, wanted, gpu)


def test_a_list_of_targets_is_built_as_given_if_the_gpu_s_own_is_among_them():
    assert choose_targets(("gfx1100", "gfx1101"), CARD) == ("gfx1100", "gfx1101")
    with pytest.raises(UserError, match=r"gpu_targets: got 'gfx1100;gfx1030', which lacks gfx1101"):
        choose_targets(("gfx1100", "gfx1030"), CARD)


@pytest.mark.parametrize(
    ("gpu", "used", "model", "mismatch"),
    [
        (CARD, 487 << 20, 487 << 20, False),
        (CARD, 300 << 20, 487 << 20, False),  # a quantised one may be laid out otherwise
        (CARD, 3 << 20, 487 << 20, True),
        (CARD, 0, 487 << 20, True),
        (CARD, 0, None, True),
        (CARD, 3 << 20, None, True),
        (CARD, 16 << 20, None, False),
        (CARD, None, 487 << 20, False),
        (INTEGRATED, 0, 487 << 20, False),
    ],
)
def test_a_model_that_is_not_in_the_card_s_memory_is_elsewhere(gpu, used, model, mismatch):
    assert (memory_mismatch(gpu, used, model) is not None) is mismatch


def test_vulkan_s_memory_counts_of_integrated_graphics_too():
    assert memory_mismatch(INTEGRATED, 0, 487 << 20, "vulkan")
    assert memory_mismatch(LLVMPIPE, 0, 487 << 20, "vulkan") is None


def test_without_a_log_the_kernel_decides_where_it_can():
    assert device_mismatch([], "cpu", None, None, None) is None
    assert device_mismatch([], "hip", CARD, 490 << 20, 487 << 20) is None
    nobody = "an unknown device instead of hip"
    assert device_mismatch([], "hip", CARD, None, 487 << 20) == nobody
    assert device_mismatch([], "hip", CARD, 0, 487 << 20) == nobody
    assert device_mismatch([], "hip", INTEGRATED, 490 << 20, 487 << 20) == nobody
