"""Which commit of whisper.cpp `whisper_version` means."""

import itertools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from voicemode_whisper.core.errors import UserError

TAGS = "refs/tags/"


@dataclass(frozen=True)
class Release:
    """A version of whisper.cpp: `label` is fit for a file name, `commit` 40 hexadecimal digits."""

    label: str
    commit: str


def parse_refs(lines: Iterable[str]) -> dict[str, str]:
    """Read a git server's reference advertisement into {reference: commit}.

    `lines` is the answer to GET info/refs?service=git-upload-pack, NULs made spaces: pkt-lines of
    a four digit length, an object id and a name (gitprotocol-http(5)). An annotated tag is
    followed by NAME^{}, the commit that it points at.
    """
    found = re.findall(r"([0-9a-f]{40}) (HEAD|refs/\S+)", "\n".join(lines))
    refs = {name: commit for commit, name in found if not name.endswith("^{}")}
    peeled = {name[:-3]: commit for commit, name in found if name.endswith("^{}")}
    return refs | peeled


def resolve_release(version: str, refs: Mapping[str, str], defects: Collection[str]) -> Release:
    """The release that `version` names among `refs`: latest, a tag, a branch or a commit id.

    The latest is none of the tags with known `defects`.
    """
    if re.fullmatch(r"[0-9a-f]{40}", version):
        return Release(version[:12], version)
    if version == "latest":
        version = _newest(refs, defects)
    for reference in (f"{TAGS}{version}", f"refs/heads/{version}"):
        if reference in refs:
            return Release(_label(version), refs[reference])
    raise UserError(
        f"whisper_version: got {version!r}, which whisper_repo has not; allowed is latest, a tag "
        f"(the newest is {_newest(refs, defects)}), a branch or a full commit id"
    )


def is_tag(release: Release, refs: Mapping[str, str]) -> bool:
    """Whether a release is a tag among `refs`: a branch moves by nature, a tag does not."""
    tags = (name.removeprefix(TAGS) for name in refs if name.startswith(TAGS))
    return any(
        _label(tag) == release.label and refs[f"{TAGS}{tag}"] == release.commit for tag in tags
    )


def moved(release: Release, before: str, taken: bool) -> str:
    """What to say of a tag that was the commit `before`; whether the new one is `taken`."""
    what_now = (
        "the new commit is taken, as retry=yes says"
        if taken
        else f"{before[:12]} is kept; --data retry=yes takes the new commit"
    )
    return (
        f"{release.label} was {before[:12]} before and is {release.commit[:12]} now: upstream "
        f"moved the tag, or whisper_repo is not upstream; {what_now}"
    )


def _label(version: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", version)


def skipped(chosen: Release, refs: Mapping[str, str], defects: Collection[str]) -> list[str]:
    """Tags with known defects that are newer than the chosen one, the newest first."""
    newer = itertools.takewhile(lambda tag: tag != chosen.label, reversed(_tags(refs)))
    return [tag for tag in newer if tag in defects]


def _newest(refs: Mapping[str, str], defects: Collection[str]) -> str:
    sound = [tag for tag in _tags(refs) if tag not in defects]
    if not sound:
        raise UserError(
            "whisper_version: whisper_repo has no release tag such as v1.9.1 without known "
            "defects; name a branch or a full commit id"
        )
    return sound[-1]


def _tags(refs: Mapping[str, str]) -> list[str]:
    """The tags of releases, the oldest first."""
    found = (re.fullmatch(r"refs/tags/(v(\d+)\.(\d+)\.(\d+))", name) for name in refs)
    tags = sorted((tuple(map(int, match.groups()[1:])), match[1]) for match in found if match)
    return [tag for _, tag in tags]
