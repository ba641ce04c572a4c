"""Progress as it is drawn."""

import pytest

from voicemode_whisper.core.progress import bar, count, redrawn, status


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[152/339] Building CXX object ggml/src/ggml.c.o", (152, 339)),
        ("(5 s) [2/2] Linking", (2, 2)),
        ("( 3/12) installing cmake", (3, 12)),
        ("Receiving objects:  45% (9/20), 1.20 MiB | 3.00 MiB/s", (9, 20)),
        ("ggml-small.en.bin: 0/488 MB", (0, 488)),
        ("ggml-own.bin: 12 MB", None),
        ("0/0 MB", None),
        ("3/2 MB", None),
        ("Building gcc/13/14 on 2026/07/01 at /1/2", None),
        ("", None),
    ],
)
def test_a_count_is_found_in_what_tools_say(line: str, expected: tuple[int, int] | None):
    assert count(line) == expected


def test_a_bar_is_as_long_as_told_and_full_only_at_the_end():
    assert bar(0, 3, 10) == "░░░░░░░░░░"
    assert bar(999, 1000, 10) == "█████████░"
    assert bar(3, 3, 10) == "██████████"


def test_a_line_that_says_how_far_gets_a_bar():
    assert (
        status("[a] ", "x.bin: 244/488 MB", 80)
        == f"[a] {'█' * 10}{'░' * 10}  50% x.bin: 244/488 MB"
    )


def test_another_line_is_shown_as_it_is():
    assert status("[a] ", "resolving dependencies...", 80) == "[a] resolving dependencies..."


@pytest.mark.parametrize("width", [3, 20, 40, 79])
@pytest.mark.parametrize("line", ["[1/2] " + "x" * 90, "x" * 100])
def test_no_line_is_wider_than_the_terminal(line: str, width: int):
    assert len(status("[machine.lan] ", line, width)) == width


def test_lines_are_drawn_over_those_before():
    assert redrawn(["a", "b"], over=0) == "\r\033[Ja\nb\n"
    assert redrawn(["a"], over=2) == "\033[2A\r\033[Ja\n"
