"""VoiceMode's file of settings, read as VoiceMode reads it, and changed in as few bytes as can be.

What VoiceMode 9.0.1 does (voice_mode/config.py: find_voicemode_env_files, load_voicemode_env,
parse_comma_list; `make test-clients` holds this module to it):

- It reads ~/.voicemode/voicemode.env, and ~/.voicemode/.voicemode.env where that is not there. A
  project's own file comes after it. A variable that is set stays as it is, so that the environment
  wins over all files, and the first line over later ones.
- A line is split at its first `=`; key and value are stripped. `export KEY` is another key, and so
  is one behind a byte order mark. There are no comments behind values.
- A value in quotes ends with a line that ends with the same quote: `KEY="a" # b` goes on.
- VOICEMODE_STT_BASE_URLS is a list. The next server is asked where one fails, and also where it
  hears nothing (voice_mode/simple_failover.py), so what is behind the proxy gets silence and noise.
- `voicemode config set` writes all lines of a variable anew, with the value of the last one, and
  makes lines of comments `# KEY=` (voice_mode/tools/configuration_management.py).
- VOICEMODE_LISTEN_STT_URL is one URL, of `python -m voice_mode.listen`, which reads no file: it
  counts in the environment alone (voice_mode/listen/stt.py).
"""

import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

STT = "VOICEMODE_STT_BASE_URLS"
LISTEN = "VOICEMODE_LISTEN_STT_URL"
# What stands in the file before a line as it was: a comment which VoiceMode leaves alone. What was
# there may hold a password, so it is kept nowhere else.
BEFORE = "# before voicemode-whisper: "

# What a file is put together from: a range of the former text, or new text.
Piece = tuple[int, int] | str


@dataclass(frozen=True)
class Line:
    """A line of a text: where it begins, what it says, and where the next one begins."""

    number: int
    start: int
    body: str
    stop: int


@dataclass(frozen=True)
class Assignment:
    """What VoiceMode takes for a variable, and where its value stands on the variable's line.

    `ended` is the number of the line that ends the value; None where the text ends before it.
    """

    key: str
    value: str
    line: Line
    start: int
    end: int
    ended: int | None

    @property
    def name(self) -> str:
        """The variable, of a line `export KEY=` too: shells that source the file read those."""
        words = self.key.split()
        return words[1] if len(words) == 2 and words[0] == "export" else self.key

    @property
    def on_one_line(self) -> bool:
        return self.ended == self.line.number


@dataclass(frozen=True)
class Edit:
    """Other pieces in place of the text between two offsets."""

    start: int
    end: int
    pieces: tuple[Piece, ...] = ()


def lines(text: str) -> list[Line]:
    """The lines of a text as Python reads them: a lone carriage return ends one too."""
    found = re.finditer(r"([^\r\n]*)(\r\n|\r|\n|\Z)", text)
    return [
        Line(number, match.start(), match[1], match.end())
        for number, match in enumerate(found, 1)
        if match[0]
    ]


def assignments(text: str) -> list[Assignment]:
    """All that VoiceMode takes for variables, in the order of the text."""
    return list(_assignments(iter(lines(text))))


def _assignments(remaining: Iterator[Line]) -> Iterator[Assignment]:
    for line in remaining:
        key, equals, raw = line.body.partition("=")
        if not equals or line.body.strip().startswith("#"):
            continue
        value = raw.strip()
        start = line.start + len(line.body) - len(raw.lstrip())
        end = start + len(value)
        ended: int | None = line.number
        if value.startswith(("'", '"')):
            if len(value) > 1 and value[-1] == value[0]:
                value, start, end = value[1:-1], start + 1, end - 1
            else:
                value, ended = _over_lines(value, remaining)
        yield Assignment(key.strip(), value, line, start, end, ended)


def _over_lines(begun: str, remaining: Iterator[Line]) -> tuple[str, int | None]:
    parts = [begun[1:]]
    for line in remaining:
        if line.body.endswith(begun[0]):
            return "\n".join([*parts, line.body[:-1]]), line.number
        parts.append(line.body)
    return "\n".join(parts), None


def reading(text: str, key: str) -> Assignment | None:
    """The line of the variable that counts."""
    return next((found for found in assignments(text) if found.key == key), None)


def items(value: str) -> list[str]:
    """The servers of a list, in the order in which they are asked."""
    return [item.strip() for item in value.split(",") if item.strip()]


def asks_first(value: str, url: str) -> bool:
    """Whether a list of servers begins with this one."""
    return [_same(item) for item in items(value)[:1]] == [_same(url)]


def _same(url: str) -> str:
    lowered = re.sub(r"^https?://[^/]*", lambda start: start[0].lower(), url, flags=re.IGNORECASE)
    return lowered.rstrip("/").replace("//localhost:", "//127.0.0.1:")


def without_secrets(value: str) -> str:
    """Addresses as they may be shown: without names, passwords and queries."""
    shown = re.sub(r"(?<=//)[^/,\s]*@", "", value)
    return " ".join(re.sub(r"\?[^,\s]*", "?…", shown).split())


def is_pointed(text: str, url: str) -> bool:
    """Whether VoiceMode asks this server first, and so does whoever else reads the file."""
    found = [one for one in assignments(text) if one.name == STT]
    return any(one.key == STT for one in found) and all(asks_first(one.value, url) for one in found)


def point(text: str, url: str, own: Collection[str]) -> list[Piece]:
    """What the file is to be put together from, so that VoiceMode asks this server first.

    `own` are addresses that the proxy has had. A list that begins with a server on this machine
    keeps what follows it. Any other value is replaced whole: VoiceMode would send silence and noise
    to what is left behind the proxy. What was there stays in a comment.
    """
    parts: list[Piece] = [(0, len(text))]
    # A value that swallowed other lines sets them free when it is replaced.
    while edits := _point(put_together(text, parts), url, own):
        parts = _edited(parts, edits)
    return parts


def _point(text: str, url: str, own: Collection[str]) -> list[Edit]:
    found = [one for one in assignments(text) if one.name == STT]
    others = [one for one in found if not asks_first(one.value, url)]
    if others:
        return [edit for one in others for edit in _replaced(text, one, url, own)]
    if not any(one.key == STT for one in found):
        return [_added(text, url)]
    return list(_own_lines(text, LISTEN, own))


def _replaced(text: str, found: Assignment, url: str, own: Collection[str]) -> Iterator[Edit]:
    line = found.line
    if not (_is_one_of(items(found.value)[:1], own) or _is_kept(text, line)):
        ending = text[line.start + len(line.body) : line.stop] or newline(text)
        kept = (line.start, line.start + len(line.body))
        yield Edit(line.start, line.start, (BEFORE, kept, ending))
    yield Edit(found.start, found.start + _length_replaced(found, own), (url,))


def _is_one_of(found: Iterable[str], own: Collection[str]) -> bool:
    return bool({_same(item) for item in found} & {_same(url) for url in own})


def _is_kept(text: str, line: Line) -> bool:
    """Whether the comment above a line says what was there before."""
    above = [one for one in lines(text) if one.number == line.number - 1]
    return any(_is_comment_on(one, STT) for one in above)


def _is_comment_on(line: Line, key: str) -> bool:
    return line.body.startswith(BEFORE) and any(
        found.name == key for found in assignments(line.body.removeprefix(BEFORE))
    )


def _length_replaced(found: Assignment, own: Collection[str]) -> int:
    """How much of a value the proxy's address takes the place of."""
    whole = found.end - found.start
    if not found.on_one_line:
        return whole
    end = 0
    for item in re.finditer(r"[^,]+", found.value):
        address = item[0].strip()
        if address and not (_is_local(address) or _is_one_of([address], own)):
            break
        end = item.end()
    behind = items(found.value[end:])
    are_urls = all(re.fullmatch(r"https?://\S+", item) for item in behind)
    return end if end and behind and are_urls else whole


def _is_local(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _added(text: str, url: str) -> Edit:
    """A line at the end; before a value that swallows all that follows, where there is one."""
    found = assignments(text)
    is_open = bool(found) and found[-1].ended is None
    place = found[-1].line.start if is_open else len(text)
    before = newline(text) if place and text[place - 1] not in "\r\n" else ""
    return Edit(place, place, (f"{before}{STT}={url}{newline(text)}",))


def newline(text: str) -> str:
    """What ends the lines of a text."""
    found = re.search(r"\r\n|\r|\n", text)
    return found[0] if found else "\n"


def _own_lines(text: str, key: str, own: Collection[str]) -> Iterator[Edit]:
    """Without the lines that the deploy has added."""
    written = {f"{key}={url}" for url in own}
    for found in assignments(text):
        line = found.line
        if line.body in written and not _is_kept(text, line):
            yield Edit(line.start, line.stop)


def restore(text: str, own: Collection[str]) -> list[Piece]:
    """What the file is put together from to be what it was before the deploy.

    What was changed since then stays.
    """
    edits = [edit for key in (STT, LISTEN) for edit in _own_lines(text, key, own)]
    followers = {found.line.number: found for found in assignments(text)}
    for line in lines(text):
        if _is_comment_on(line, STT):
            edits += _restored(line, followers.get(line.number + 1), own)
    return _edited([(0, len(text))], edits)


def _restored(comment: Line, follower: Assignment | None, own: Collection[str]) -> list[Edit]:
    """The line in the comment in place of the one below it, if that is the deploy's."""
    if not (follower and follower.name == STT and _is_one_of(items(follower.value)[:1], own)):
        return [Edit(comment.start, comment.stop)]
    mark = Edit(comment.start, comment.start + len(BEFORE))
    return [mark, Edit(follower.line.start, follower.line.stop)]


def _edited(parts: Sequence[Piece], edits: Iterable[Edit]) -> list[Piece]:
    """The pieces of a text, once it is edited at these offsets of what they make."""
    found: list[Piece] = []
    place = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        found += _range(parts, place, edit.start)
        for piece in edit.pieces:
            found += [piece] if isinstance(piece, str) else _range(parts, *piece)
        place = edit.end
    return [*found, *_range(parts, place, sum(map(_length, parts)))]


def _range(parts: Iterable[Piece], start: int, end: int) -> Iterator[Piece]:
    """The pieces of what lies between two offsets."""
    place = 0
    for part in parts:
        low, high = max(start - place, 0), min(end - place, _length(part))
        if low < high:
            yield part[low:high] if isinstance(part, str) else (part[0] + low, part[0] + high)
        place += _length(part)


def _length(part: Piece) -> int:
    return len(part) if isinstance(part, str) else part[1] - part[0]


def put_together(text: str, parts: Sequence[Piece]) -> str:
    """The text that the pieces make."""
    return "".join(part if isinstance(part, str) else text[slice(*part)] for part in parts)


def in_bytes(text: str, parts: Iterable[Piece]) -> list[str]:
    """The pieces as edit-file.sh takes them: bytes A-B of the file, or =TEXT."""
    return [
        f"={part}" if isinstance(part, str) else "-".join(str(_bytes(text, at)) for at in part)
        for part in parts
    ]


def _bytes(text: str, place: int) -> int:
    return len(text[:place].encode())
