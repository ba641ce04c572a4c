"""Which wheels a box needs."""

from tests.boxes import wheels

PYTHON = wheels.Python("3.13", glibc_minor=41)
LOCK = """\
# made by a tool
aiohttp==3.14.5 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via -r proxy.in
typing-extensions==4.16.0 ; python_full_version < '3.13' \\
    --hash=sha256:cc
cffi==2.1.1 ; platform_python_implementation != 'PyPy' \\
    --hash=sha256:dd
"""


def test_requirements_that_do_not_apply_on_a_box_are_left_out() -> None:
    assert wheels.for_box(LOCK, PYTHON).splitlines() == [
        "aiohttp==3.14.5 --hash=sha256:aa --hash=sha256:bb",
        "cffi==2.1.1 --hash=sha256:dd",
    ]


def test_platforms_reach_from_the_boxs_glibc_to_the_oldest() -> None:
    names = PYTHON.platforms
    assert names[0] == "manylinux_2_41_x86_64"
    assert {"manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64"} <= set(names)
