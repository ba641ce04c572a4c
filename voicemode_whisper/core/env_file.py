"""The file of VoiceMode's settings on a host: what keeps it from being read or changed."""

import base64
from collections.abc import Iterable
from dataclasses import asdict, dataclass

MAX_BYTES = 1 << 20  # what env-file.sh reads of it at most
# The line that is to be in it again, once the deploy is removed.
BEFORE_US = "that it had before"


@dataclass(frozen=True)
class EnvFile:
    """The file that VoiceMode reads, or would begin.

    `path` is its name, `real` where it lies, `is_link` whether the file itself is a link; `kind` as
    `stat` calls it, empty where nothing is there; `attributes` are those of chattr(1) that forbid a
    change; `directory` is "ok", "missing" or "closed" to the user. `text` has `x` for what could be
    a key of somebody's; it is None where the file is no text. `sha256` is that of the file itself.
    `leftover` is whether a run was killed while it wrote the file.
    """

    path: str
    real: str
    is_link: bool = False
    kind: str = ""
    size: int = 0
    owner: str = ""
    readable: bool = True
    attributes: str = ""
    directory: str = "ok"
    leftover: bool = False
    sha256: str = ""
    text: str | None = ""

    to_json = asdict  # for `pyinfra … fact`

    def unreadable(self, user: str) -> str | None:
        """Why nobody knows what VoiceMode reads, in a line with what to do."""
        if not self.kind:
            return self._missing_place()
        if not self.kind.startswith("regular"):
            what = f"is a {self.kind}, and not a file of settings; move it away"
        elif not self.readable:
            what = f"cannot be read by {user}; run: {self._owned_by(user)}chmod u+rw {self.real}"
        elif self.size > MAX_BYTES:
            what = f"has {self.size} bytes, where settings have a few thousand; look into it"
        elif self.text is None:
            what = "is not text in UTF-8, so VoiceMode cannot read it either; mend or remove it"
        else:
            return None
        return f"VoiceMode: {self.path} {what}"

    def unwritable(self, user: str, line: str) -> str | None:
        """Why it cannot be changed, in a line with what to do; `line` is what it is to say."""
        if self.attributes:
            what = "cannot be changed (lsattr)"
            fix = f"sudo chattr -ia {self.real} {self.real.rpartition('/')[0]}"
        elif self.kind and self.owner != user:
            what, fix = f"belongs to {self.owner}", f"sudo chown {user} {self.real}"
        elif self.directory == "closed":
            directory = self.real.rpartition("/")[0]
            what = f"cannot be replaced in {directory}, where {user} may not write"
            fix = f"sudo chown {user} {directory} && chmod u+w {directory}"
        else:
            return None
        return f"VoiceMode: {self.path} {what}; run: {fix}, or give it the line {line} yourself"

    def _missing_place(self) -> str | None:
        if self.directory != "missing" or not self.is_link:
            return None
        return (
            f"VoiceMode: {self.path} is a link to {self.real}, whose directory is not there; "
            "bring that back, or remove the link"
        )

    def _owned_by(self, user: str) -> str:
        return "" if self.owner == user else f"sudo chown {user} {self.real} && "


def parse_env_file(output: Iterable[str]) -> EnvFile:
    """What env-file.sh prints: KEY=VALUE lines, of which `text` is in base64."""
    said = dict(line.split("=", 1) for line in output)
    return EnvFile(
        path=said["path"],
        real=said["real"],
        is_link=said["link"] == "yes",
        kind=said.get("kind", ""),
        size=int(said.get("size", 0)),
        owner=said.get("owner", ""),
        readable=said.get("readable") != "no",
        attributes=said.get("attributes", ""),
        directory=said.get("directory", "ok"),
        leftover=said["leftover"] == "yes",
        sha256=said.get("sha256", ""),
        text=_text(base64.b64decode(said.get("text", ""))),
    )


def _text(masked: bytes) -> str | None:
    try:
        return None if b"\0" in masked else masked.decode()
    except UnicodeDecodeError:
        return None
