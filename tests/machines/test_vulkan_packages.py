"""Vulkan on a box, through pacman: RADV finds no card there, lavapipe the processor."""

from collections.abc import Iterator

import pytest

from tests.boxes import Box
from tests.machines.deploying import raise_boxes

PACKAGES = (
    *("shaderc", "spirv-headers", "vulkan-headers", "vulkan-icd-loader"),
    *("vulkan-radeon", "vulkan-tools"),
)
MANIFEST = "/usr/share/vulkan/icd.d/radeon_icd.json"


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with raise_boxes("vulkan") as (fresh,):
        fresh.run(f"pacman -Sy --noconfirm {' '.join(PACKAGES)}", user="root")
        yield fresh


def test_each_part_belongs_to_a_package(box: Box):
    files = ("/usr/bin/glslc", "/usr/include/vulkan/vulkan.h", "/usr/bin/vulkaninfo", MANIFEST)
    owners = box.run(f"pacman -Qqo {' '.join(files)}").stdout.split()
    assert owners == ["glslc", "libvulkan-dev", "vulkan-tools", "vulkan-radeon"]


def test_no_driver_but_radv_is_there_and_it_finds_no_card(box: Box):
    assert box.run("echo /usr/share/vulkan/icd.d/*").stdout.strip() == MANIFEST
    said = box.run("vulkaninfo --summary 2>&1 || true").stdout
    assert "vkEnumeratePhysicalDevices failed with ERROR_INITIALIZATION_FAILED" in said


def test_lavapipe_is_a_package_of_its_own(box: Box):
    box.run("pacman -S --noconfirm vulkan-swrast", user="root")
    assert "deviceType         = PHYSICAL_DEVICE_TYPE_CPU" in box.run("vulkaninfo --summary").stdout
    hidden = box.run(f"VK_DRIVER_FILES={MANIFEST} vulkaninfo --summary 2>&1 || true").stdout
    assert "Failed to detect any valid GPUs" in hidden
