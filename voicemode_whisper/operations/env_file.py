"""VoiceMode's file of settings."""

from collections.abc import Collection, Generator, Sequence

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from voicemode_whisper.core import voicemode_env
from voicemode_whisper.core.env_file import BEFORE_US, EnvFile
from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.layout import Layout
from voicemode_whisper.core.voicemode_env import LISTEN, STT, Piece
from voicemode_whisper.facts import env_file
from voicemode_whisper.facts.base import read_fact
from voicemode_whisper.facts.generations import Generations
from voicemode_whisper.operations.util.connection import operation
from voicemode_whisper.scripts import script


@operation()
def pointed(layout: Layout, user: str, url: str) -> Generator[StringCommand]:
    """Have VoiceMode ask this server first; every other byte, mode and owner stay as they are.

    The line that was there is kept as a comment.

    + layout: of the user's home
    + user: who VoiceMode runs as
    + url: the proxy's address, with /v1
    """
    found = _read(layout, user)
    text = found.text or ""
    if voicemode_env.is_pointed(text, url) and LISTEN not in text:
        parts: list[Piece] = [(0, len(text))]
    else:
        parts = voicemode_env.point(text, url, {url, *_addresses(layout)})
    yield from _put_together(found, user, parts, f"{STT}={url}")


@operation()
def restored(layout: Layout, user: str, own: Collection[str]) -> Generator[StringCommand]:
    """Have the file of settings as it was before the deploy, and none where the deploy began it.

    + layout: of the user's home
    + user: who VoiceMode runs as
    + own: addresses that the proxy has had, with /v1
    """
    found = _read(layout, user)
    text = found.text or ""
    parts = voicemode_env.restore(text, own)
    yield from _put_together(found, user, parts, BEFORE_US)


def _read(layout: Layout, user: str) -> EnvFile:
    found: EnvFile = read_fact(host, env_file.VoiceModeEnv, layout=layout)
    problem = found.unreadable(user)
    if problem:
        raise UserError(problem)
    return found


def _addresses(layout: Layout) -> Collection[str]:
    """Where the proxies of the generations are found."""
    generations = read_fact(host, Generations, layout=layout)
    return {f"{one.proxy_url}/v1" for one in generations.all}


def _put_together(
    found: EnvFile, user: str, parts: Sequence[Piece], line: str
) -> Generator[StringCommand]:
    text = found.text or ""
    if voicemode_env.put_together(text, parts) == text:
        if found.leftover:
            yield StringCommand("rm -f", QuoteString(f"{found.real}.voicemode-whisper"))
        else:
            host.noop(f"{found.path} is as it is to be")
        return
    problem = found.unwritable(user, line)
    if problem:
        raise UserError(problem)
    if not parts and not found.is_link:
        yield StringCommand("rm", QuoteString(found.real))
        return
    pieces = voicemode_env.in_bytes(text, parts)
    yield script("edit-file", found.real, found.sha256, *pieces)
