"""Which packages the repository has, and how they hang together."""

from tests.boxes import repository

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
