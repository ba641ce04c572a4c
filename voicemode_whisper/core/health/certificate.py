"""The proxy's certificate: for which names it is, whose it is, and how long it is valid."""

from collections.abc import Sequence

from voicemode_whisper.core.certificate import DAY, Certificate, date, is_name, normal
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.health.report import CheckResult

WARN_DAYS = 30
SHOWN_NAMES = 4


def certificate(
    found: Certificate, called: str, files: str, name: str = "certificate"
) -> CheckResult:
    """The doctor's row: what the certificate is for, whose it is, and how long it is valid.

    `called` is the name by which other machines call, empty where none do. `files` are those of the
    operator's own, empty where the deploy makes them. `name` is that of the row.
    """
    fix = f"renew {files}; docs/tls.md has how" if files else DEPLOY_AGAIN
    if found.problem:
        return CheckResult(name, found.problem, fix)
    text = f"{_listed(found.names)}; issued by {found.issuer}; "
    days = (found.last - found.now) // DAY
    if found.last == found.ca_ends:
        fix = "remove services/tls, deploy again, and give clients the new CA (docs/tls.md)"
    if found.now < found.begins:
        text += f"not valid before {date(found.begins)}, and the clock says {date(found.now)}"
        return CheckResult(name, text, f"set the clock (timedatectl), or {fix}")
    if found.now >= found.last:
        return CheckResult(name, f"{text}expired on {date(found.last)}", fix)
    text += f"{days} days left"
    if days < WARN_DAYS:
        return CheckResult(name, text, fix, warning=True)
    if is_name(normal(called)) and not found.covers(called):
        text += f"; not for {normal(called)}, by which it is called"
        return CheckResult(name, text, fix, warning=True)
    return CheckResult(name, text)


def _listed(names: Sequence[str]) -> str:
    own = [name for name in names if name not in ("localhost", "127.0.0.1", "::1")] or [*names]
    rest = len(own) - SHOWN_NAMES
    return ", ".join(own[:SHOWN_NAMES]) + (f" and {rest} more" if rest > 0 else "")
