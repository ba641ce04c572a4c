"""What is on the disk of what serves, and whether it would start at a boot."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Serving:
    """What is on the disk of what serves.

    `changed` are files of the build and of the proxy that are not as they were installed. `starts`
    are the units that the user's service manager would start at a boot, None where it cannot be
    asked. `busy` is who runs a deploy now, empty where nobody does.
    """

    changed_build: tuple[str, ...] = ()
    changed_proxy: tuple[str, ...] = ()
    starts: tuple[str, ...] | None = None
    busy: str = ""

    to_json = asdict  # for `pyinfra … fact`


def parse_serving(lines: Iterable[str]) -> Serving:
    """What serving-state.sh prints."""
    words = ("changed build", "changed proxy", "asked", "starts", "busy")
    said: dict[str, list[str]] = {word: [] for word in words}
    for line in lines:
        word = next(word for word in words if f"{line} ".startswith(f"{word} "))
        said[word].append(line.removeprefix(word).strip())
    return Serving(
        changed_build=tuple(said["changed build"]),
        changed_proxy=tuple(said["changed proxy"]),
        starts=tuple(said["starts"]) if said["asked"] else None,
        busy="".join(said["busy"]),
    )
