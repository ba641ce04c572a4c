from bench.contenders import GUIDE, OURS, STRAIGHT, UNLIMITED
from bench.figures import Figure, Row
from bench.table import aligned, number, table

ROWS = [
    Row(Figure("small", "ms", goal=1.2), {STRAIGHT: 0.1, OURS: 1.0, GUIDE: 2.0, UNLIMITED: 2.0}),
    Row(Figure("large", "MB"), {OURS: 300.0, UNLIMITED: 200.0}),
]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_has_figures_ratios_goal_and_verdict():
    *_, small, _ = table(ROWS).splitlines()
    assert cells(small) == [
        *("small", "0.10 ms", "1.00 ms (0.50)", "2.00 ms (1.00)", "2.00 ms (1.00)"),
        *("not installed", "≤ 1.2 ms", "met"),
    ]


def test_who_has_other_figures_but_not_this_one_refused():
    large = table(ROWS).splitlines()[-1]
    assert cells(large) == [
        *("large", "", "300 MB (1.50)", "refuses", "200 MB (1.00)"),
        *("not installed", "the guide's", "missed"),
    ]


def test_columns_are_aligned():
    assert aligned([["", "b"], ["long", "1.0"]]).splitlines() == [
        "|      |   b |",
        "| ---- | --: |",
        "| long | 1.0 |",
    ]


def test_numbers_have_about_three_digits():
    assert [number(value, "ms") for value in (1.234, 12.34, 123.4, -0.5)] == [
        *("1.23 ms", "12.3 ms", "123 ms", "-0.50 ms")
    ]
    assert number(640.2, "") == "640"
