"""Where and how a run of the deploy can die.

A case is a scenario (a first deploy, or an upgrade), a way to die (pyinfra killed, or the power of
the whole box cut) and a point: after the K-th operation, or in the middle of something long.
"""

from dataclasses import dataclass
from random import Random

from tests.machines.footprint import Footprint

WAYS = ("killed", "cut")
CHECKOUT = "~/.voicemode/services/whisper.cpp"
VENV = "~/.voicemode/services/whisper-proxy-venv-*"
GIT = f"{CHECKOUT}/.git"
SLOW = "/usr/local/bin/ccache"
WRITTEN = f"find {CHECKOUT} -path {GIT} -prune -o -type f -newer {GIT}/index.lock -print"


@dataclass(frozen=True)
class Middle:
    """The middle of something long.

    `seen` is a condition of the shell that holds on the box there and then: evidence, not a guess
    of the time. `slowly` names a setting whose URL is to be served with `rate` bytes a second, or
    it would be over too soon. `before` and `after` are run by root around the run that dies.
    """

    seen: str
    slowly: str = ""
    rate: int = 0
    before: str = ""
    after: str = ""


# The rates are such that a transfer which outlives its run is still there in the next.
MIDDLES = {
    "packages": Middle(
        "[ -e /var/lib/pacman/db.lck ] && [ $(ls /var/lib/pacman/local | wc -l) -gt 40 ]"
    ),
    "model": Middle(
        "find ~/.voicemode -name '*.part' -size +2M 2>/dev/null | grep -q .",
        slowly="whisper_model",
        rate=2_000_000,
    ),
    "clone": Middle(
        f"find {GIT}/objects -name 'tmp_pack*' -size +200k 2>/dev/null | grep -q .",
        slowly="whisper_repo",
        rate=400_000,
    ),
    # Over in a blink, so git is held still: to see how far it is, and then until the run is dead.
    "checkout": Middle(
        f"[ -e {GIT}/index.lock ] && pkill -STOP -x git && "
        f"{{ [ $({WRITTEN} 2>/dev/null | wc -l) -ge 20 ] || {{ pkill -CONT -x git; false; }}; }}",
        after="pkill -CONT -x git || true",
    ),
    # From its cache the compiler would have all in a second.
    "build": Middle(
        "pgrep -x ninja >/dev/null && [ $(find ~/.voicemode -name '*.o' | wc -l) -ge 5 ]",
        before=f"echo 'sleep 0.5; exec /usr/bin/ccache \"$@\"' > {SLOW} && chmod 755 {SLOW}",
        after=f"rm {SLOW}",
    ),
    # One of the locked packages is there; the first that venv itself installs is pip.
    "pip": Middle(f"ls -d {VENV}/lib/python3*/site-packages/[a-o]* && ! ls {VENV}/.complete"),
}


@dataclass(frozen=True)
class Scenario:
    """What a run is to do, as an undisturbed run did it."""

    name: str
    base: str | None  # the snapshot that it begins with; without one the box is fresh
    middles: tuple[str, ...]
    operations: list[str]
    outcome: Footprint
    recording: bytes

    @property
    def serves(self) -> bool:
        """Whether speech is transcribed before the run, and so must be when it has died."""
        return self.base is not None


@dataclass(frozen=True)
class Case:
    """One run that dies. `point` is a number of operations, or a name in MIDDLES."""

    scenario: Scenario
    way: str
    point: int | str

    @property
    def name(self) -> str:
        where = f"after-{self.point}" if isinstance(self.point, int) else f"in-{self.point}"
        return f"{self.scenario.name}-{self.way}-{where}"

    @property
    def title(self) -> str:
        """The name, and the operation after which it is."""
        if isinstance(self.point, str):
            return self.name
        return f"{self.name} ({self.scenario.operations[self.point - 1]})"

    @property
    def kind(self) -> str:
        """What a sample has once, if it can: a middle, or a way in a scenario."""
        if isinstance(self.point, str):
            return self.point
        return f"{self.scenario.name}-{self.way}"


def all_cases(scenarios: list[Scenario]) -> list[Case]:
    """Every scenario, way and point."""
    return [
        Case(scenario, way, point)
        for scenario in scenarios
        for way in WAYS
        for point in (*range(1, len(scenario.operations) + 1), *scenario.middles)
    ]


def draw(cases: list[Case], seed: str, size: int) -> list[Case]:
    """A sample, always the same for a seed, of as many kinds as it can be."""
    chance = Random(seed)
    kinds: dict[str, list[Case]] = {}
    for case in cases:
        kinds.setdefault(case.kind, []).append(case)
    chosen = chance.sample(list(kinds), min(size, len(kinds)))
    drawn = [chance.choice(kinds[kind]) for kind in chosen]
    rest = [case for case in cases if case not in drawn]
    return drawn + chance.sample(rest, min(max(0, size - len(drawn)), len(rest)))
