"""Which packages the repository has, and how they hang together."""

import re
from pathlib import Path

import pytest

from tests.boxes import repository
from tests.boxes.pacman import Package

CONTROLS = [
    {
        "Package": "g++",
        "Version": "4:14.2.0-1",
        "Depends": "g++-14 (>= 14), libc6",
        "Provides": "c++-compiler",
        "Description": "GNU C++ compiler\n more of it",
        "Installed-Size": "16",
    },
    {
        "Package": "g++-14",
        "Version": "14.2.0-19",
        "Pre-Depends": "c++-compiler",
        "Description": "more",
    },
]


def test_packages_are_in_the_order_of_the_debs() -> None:
    first, second = repository.packages(CONTROLS)
    assert (first.name, first.version, first.depends) == ("g++", "14.2.0.1-1", ("g++-14",))
    assert (first.description, first.size) == ("GNU C++ compiler", 16384)
    assert (second.name, second.depends, second.size) == ("g++-14", ("g++",), 0)


def test_what_is_behind_an_arch_name_is_fetched() -> None:
    assert {name for names in repository.ALIASES.values() for name in names} <= set(
        repository.TARGETS
    )


MESA = repository.SPLIT["mesa-vulkan-drivers"]


@pytest.mark.parametrize(
    ("path", "package"),
    [
        ("usr/share/vulkan/icd.d/radeon_icd.json", "vulkan-radeon"),
        ("usr/lib/x86_64-linux-gnu/libvulkan_radeon.so", "vulkan-radeon"),
        ("usr/share/drirc.d/00-radv-defaults.conf", "vulkan-radeon"),
        ("usr/share/vulkan/implicit_layer.d/VkLayer_MESA_device_select.json", "vulkan-radeon"),
        ("usr/share/vulkan/icd.d/lvp_icd.json", "vulkan-swrast"),
        ("usr/lib/x86_64-linux-gnu/libvulkan_lvp.so", "vulkan-swrast"),
        ("usr/share/vulkan/icd.d/intel_icd.json", None),
        ("usr/lib/x86_64-linux-gnu/libVkLayer_MESA_overlay.so", None),
    ],
)
def test_a_driver_is_a_package_of_its_own(path: str, package: str | None) -> None:
    owners = [name for name, files in MESA.items() if re.search(files, path)]
    assert owners == ([package] if package else [])


def test_what_is_split_has_its_dependencies_and_version_in_each_part() -> None:
    mesa = Package("mesa-vulkan-drivers", "25.0-1", "drivers", ("libvulkan1",), 5)
    parts = repository.Contents("trixie").parts(Path("mesa.deb"), mesa)
    assert [(deb, files) for deb, _, files in parts] == [
        (Path("mesa.deb"), files) for files in MESA.values()
    ]
    assert [package for _, package, _ in parts] == [
        Package(name, "25.0-1", "drivers", ("libvulkan1",), 5) for name in MESA
    ]


def test_what_is_not_split_stays_whole() -> None:
    git = Package("git", "2-1", "version control")
    assert repository.Contents("trixie").parts(Path("git.deb"), git) == [(Path("git.deb"), git, "")]
