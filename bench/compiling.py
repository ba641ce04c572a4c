"""CPU seconds of building whisper.cpp for one card and for the guide's three, by real compiles.

All of C and C++ is compiled, and of HIP every ninth file, once for one architecture and once for
three. That takes seven minutes on two cores. Configuring counts too, as this deploy precompiles
headers then. Linking, which costs seconds, is left out.
"""

from pathlib import Path

from . import builds
from .builds import DEPLOY, WAYS, Record, Sample, edges, estimate, objects
from .command import say
from .machine import described
from .trees import Tree

EVERY = 9


def report(temporary: Path) -> str:
    """Measure, keep the figures as those that `make bench` shows, and return the table."""
    machine = described()
    ours, guide = (Tree.configured(way, temporary / f"way{way.targets == ()}") for way in WAYS)
    counts = {tree.way.name: dict(edges(tree.plan())) for tree in (ours, guide)}
    samples = _sampled(ours, guide)
    hip = sum(sample.one for sample in samples) / len(samples) * counts[DEPLOY.name]["HIP"]
    rest = {tree.way.name: _rest(tree) for tree in (ours, guide)}
    spent = {name: round(value, 1) for name, value in estimate(samples, hip, rest).items()}
    builds.keep(Record(machine, counts, spent))
    return builds.report(counts)


def _sampled(ours: Tree, guide: Tree) -> list[Sample]:
    """Every ninth file of HIP, in the order of names, so that there are some of every kind."""
    names = objects(ours.plan(), "HIP")[EVERY // 2 :: EVERY]
    samples = []
    for number, name in enumerate(names, 1):
        samples.append(Sample(Path(name).name, ours.make(name), guide.make(name)))
        say(f"{number}/{len(names)} {samples[-1].file}: {samples[-1].one:.1f} s for one card, "
             f"{samples[-1].three:.1f} s for three")  # fmt: skip
    return samples


def _rest(tree: Tree) -> float:
    """CPU seconds of all that is not HIP, and of configuring."""
    say(f"C and C++ of {tree.way.name}")
    plan = tree.plan()
    return tree.configuring + tree.make(*objects(plan, "C"), *objects(plan, "CXX"))
