"""Where VoiceMode sends speech."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.env_file import EnvFile
from voicemode_whisper.core.environment import Setting, proxy_before
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.voicemode_env import (
    LISTEN,
    STT,
    asks_first,
    items,
    reading,
    without_secrets,
)


def voicemode(url: str, file: EnvFile, user: str, environment: Sequence[Setting]) -> CheckResult:
    """Which server VoiceMode asks first, and whose line says so.

    The environment counts before its file.
    """
    name = "VoiceMode"
    others = _elsewhere(name, STT, url, environment)
    if others:
        return others
    problem = file.unreadable(user)
    if problem:
        what, _, fix = problem.removeprefix("VoiceMode: ").rpartition("; ")
        return CheckResult(name, what, fix.removeprefix("run: "))
    found = reading(file.text or "", STT)
    if found is None:
        return CheckResult(name, f"{file.path} does not name the proxy", DEPLOY_AGAIN)
    where = f"{file.path}, line {found.line.number}"
    if not asks_first(found.value, url):
        return CheckResult(name, f"{where} says {_shown(found.value)}", DEPLOY_AGAIN)
    return CheckResult(
        name,
        f"is pointed at {url} by {where}{_behind(found.value)}; "
        f"one that runs reads it when it is restarted{_through_a_proxy(url, environment)}",
    )


def voicemode_listen(url: str, environment: Sequence[Setting]) -> CheckResult:
    """Which server VoiceMode's `listen` asks: it reads the environment, and no file."""
    name = "VoiceMode listen"
    others = _elsewhere(name, LISTEN, url, environment)
    if others:
        return others
    if any(one.key == LISTEN for one in environment):
        return CheckResult(name, f"is pointed at {url}")
    return CheckResult(name, f"is not set up; who wants it: export {LISTEN}={url}")


def _elsewhere(name: str, key: str, url: str, environment: Sequence[Setting]) -> CheckResult | None:
    others = [one for one in environment if one.key == key and not _is_right(one, url)]
    if not others:
        return None
    found = "; ".join(f"{one.path} says {_shown(one.value)} (line {one.line})" for one in others)
    fix = "; ".join(dict.fromkeys(one.fix(url) for one in others))
    return CheckResult(name, found, f"{fix}  # then restart Claude Code")


def _is_right(setting: Setting, url: str) -> bool:
    """`listen` takes one address, and no list."""
    return asks_first(setting.value, url) and not (setting.key == LISTEN and "," in setting.value)


def _shown(value: str) -> str:
    return without_secrets(value) or "nothing"


def _through_a_proxy(url: str, environment: Sequence[Setting]) -> str:
    """That VoiceMode asks an HTTP proxy for what is on this machine, if it does."""
    address = urlsplit(url).hostname or ""
    proxy = proxy_before(address, environment)
    if not proxy:
        return ""
    return (
        f"; {proxy.path}, line {proxy.line}, has it ask {proxy.key} for that: "
        f"add {address} to no_proxy"
    )


def _behind(value: str) -> str:
    """Who gets what the proxy does not answer: VoiceMode goes on where it hears nothing, too."""
    behind = ", ".join(map(without_secrets, items(value)[1:]))
    return f", and silence and what fails go to {behind}" if behind else ""
