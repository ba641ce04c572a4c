"""Tables for people."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], numbers: bool = False) -> list[str]:
    """A line for each row, its cells below each other; `numbers` but the first to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_cells(row, widths, numbers)).rstrip() for row in rows]


def _cells(row: Sequence[str], widths: Sequence[int], numbers: bool) -> list[str]:
    first, *others = zip(row, widths, strict=True)
    place = str.rjust if numbers else str.ljust
    return [str.ljust(*first), *(place(*cell) for cell in others)]
