"""What several commands printed that were sent to a host as one (run-all.sh), told apart again."""

import re
import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

OPENING = re.compile(r"### answers ([0-9a-f-]{36})")
# Seconds for which what was asked in advance is taken for what is so now. This run may wait for
# other hosts meanwhile, and whoever uses this one goes on.
FRESH = 30.0


@dataclass(frozen=True)
class Answer:
    """What one command printed on its standard output, line by line, and its exit status."""

    status: int
    lines: tuple[str, ...] = ()


@dataclass
class Known:
    """What a host has answered, by what it was asked, until something may differ."""

    _answers: dict[Hashable, tuple[float, Answer]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is known, so that nobody need look."""
        return not self._answers

    def remember(self, answers: Mapping[Hashable, Answer], asked_at: float) -> None:
        """Take note of answers to what was asked at that time, of time.monotonic()."""
        self._answers.update({asked: (asked_at, answer) for asked, answer in answers.items()})

    def answer(self, asked: Hashable) -> Answer | None:
        """What the host answered to this, while that is as good as asking again."""
        asked_at, answer = self._answers.get(asked, (0.0, None))
        return answer if answer and time.monotonic() - asked_at < FRESH else None

    def forget(self) -> None:
        """Know nothing any more."""
        self._answers.clear()


def told_apart(lines: Sequence[str], count: int) -> list[Answer] | None:
    """The answers to `count` commands, from what run-all.sh printed; None where that is not whole.

    Such as where the login shell prints something first, or the connection was lost meanwhile.
    """
    opening = OPENING.fullmatch(lines[0]) if lines else None
    answers = list(_answers(lines[1:], opening[1])) if opening else []
    return answers if len(answers) == count else None


def _answers(lines: Sequence[str], mark: str) -> Iterator[Answer]:
    """An answer for each line with the mark; what follows the last is of none that has ended."""
    ends = re.compile(rf"{mark} ([0-9]+)")
    printed: list[str] = []
    for line in lines:
        end = ends.fullmatch(line)
        if not end:
            printed.append(line)
            continue
        # The newline before the mark is not the command's own, whose last line had one or not.
        own = printed[:-1] if printed[-1:] == [""] else printed
        yield Answer(int(end[1]), tuple(own))
        printed = []
