"""The table, as Markdown that is aligned as plain text too."""

from collections.abc import Sequence

from .contenders import NAMES, STRAIGHT
from .figures import Row, baseline, goal, met, ratio

HEADER = ("", STRAIGHT, *NAMES, "goal", "")


def table(rows: Sequence[Row]) -> str:
    """Return the table of all figures."""
    present = {name for row in rows for name in row.values}
    return aligned([HEADER, *(_line(row, present) for row in rows)])


def _line(row: Row, present: set[str]) -> tuple[str, ...]:
    cells = [_cell(row, name) if name in present else "not installed" for name in NAMES]
    found = ratio(row) if row.figure.of_nginx is not None else None
    verdict = ("met" if met(row) else "missed") + (f" ({found:.2f})" if found else "")
    return (row.figure.name, _straight(row), *cells, goal(row.figure), verdict)


def _straight(row: Row) -> str:
    value = row.values.get(STRAIGHT)
    return "" if value is None else number(value, row.figure.unit)


def _cell(row: Row, name: str) -> str:
    value, guides = row.values.get(name), baseline(row)
    if value is None:
        return "refuses"
    ratio = f" ({value / guides:.2f})" if guides else ""
    return number(value, row.figure.unit) + ratio


def number(value: float, unit: str) -> str:
    """Return a value to about three digits, with its unit."""
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{digits}f} {unit}".rstrip()


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, its first line the header: names to the left, the rest right."""
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    header, *body = (_padded(line, widths) for line in lines)
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *body])


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *rest = zip(line, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
