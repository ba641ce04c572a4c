"""What stands between a program on a host and the GPU: devices, groups, the unit it runs in."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Closed:
    """A device that cannot be opened for reading and writing; `mode` as ls shows it."""

    path: str
    mode: str
    owner: str
    group: str


@dataclass(frozen=True)
class Reach:
    """How far a program gets that `asker` starts.

    `missing` are devices that are not there, `closed` those that it may not open. `groups` are what
    it has, `member` what the user database has its user in. `driver` is whether the amdgpu driver
    is loaded, `modules` whether the running kernel's modules are installed.

    Of the process of a unit alone: `hidden` are devices that are there but not for it, `masks`
    settings NAME=VALUE of its environment that choose among GPUs, and `settings` of its unit that
    keep devices from it.
    """

    missing: tuple[str, ...] = ()
    closed: tuple[Closed, ...] = ()
    groups: tuple[str, ...] = ()
    member: tuple[str, ...] = ()
    driver: bool = True
    modules: bool = True
    hidden: tuple[str, ...] = ()
    masks: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    asker: str = "the running user manager"

    to_json = asdict  # for `pyinfra … fact`


def parse_reach(lines: Iterable[str], asker: str = Reach.asker) -> Reach:
    """Read what the facts of facts/reach.py print: lines of a word and what it says."""
    said: dict[str, list[str]] = {}
    for line in lines:
        word, _, text = line.partition(" ")
        said.setdefault(word, []).append(text.strip())

    def words(word: str) -> tuple[str, ...]:
        return tuple(" ".join(said.get(word, [])).split())

    return Reach(
        missing=words("missing"),
        closed=tuple(Closed(*text.split()) for text in said.get("closed", [])),
        groups=words("groups"),
        member=words("member"),
        driver="driver" not in words("without"),
        modules="modules" not in words("without"),
        hidden=words("hidden"),
        masks=words("mask"),
        settings=words("setting"),
        asker=asker,
    )
