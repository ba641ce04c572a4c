"""What a deploy would change, host by host."""

from collections.abc import Collection, Mapping, Sequence

from voicemode_whisper.core.table import aligned

# Exit statuses, as `terraform plan -detailed-exitcode` and `git diff --exit-code` tell apart.
NOTHING, FAILED, CHANGES = 0, 1, 2


def table(planned: Mapping[str, Sequence[str]], failed: Collection[str] = ()) -> list[str]:
    """A line for each change, the first with its host's name, and one for the rest of the hosts.

    `planned` are the names of the operations that would change something, by host, `failed` the
    hosts that could not be asked.
    """
    return aligned([("host", "would change"), *_rows(planned, failed)])


def _rows(planned: Mapping[str, Sequence[str]], failed: Collection[str]) -> list[tuple[str, str]]:
    unknown = {host: ["unknown, as told above"] for host in failed}
    told = {**{host: names or ["nothing"] for host, names in planned.items()}, **unknown}
    return [
        ("" if at else host, name) for host, names in told.items() for at, name in enumerate(names)
    ]


def status(planned: Mapping[str, Sequence[str]], failed: Collection[str] = ()) -> int:
    """The exit status: an error outweighs a change, and so does a --limit that nobody meets."""
    if failed or not planned:
        return FAILED
    return CHANGES if any(planned.values()) else NOTHING
