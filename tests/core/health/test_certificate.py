"""What the doctor says of a certificate."""

from dataclasses import replace

import pytest

from voicemode_whisper.core.certificate import DAY, Certificate
from voicemode_whisper.core.health.certificate import certificate

NOW = 1_800_000_000
NAMES = ("localhost", "127.0.0.1", "::1", "tower.lan", "192.168.1.5")
GOOD = Certificate(
    "", NOW, "CN = a CA", NOW - 10 * DAY, NOW + 387 * DAY, NAMES, NOW + 3000 * DAY, "AB:CD"
)


def after(days: float) -> Certificate:
    """The certificate, so many days after it was made."""
    return replace(GOOD, now=int(GOOD.begins + days * DAY))


OK, WARN, FAIL = "ok", "warn", "fail"
LISTED = "tower.lan, 192.168.1.5; issued by CN = a CA; "


@pytest.mark.parametrize(
    ("found", "called", "own", "mark", "says", "fix"),
    [
        (GOOD, "tower.lan", "", OK, f"{LISTED}387 days left", ""),
        (GOOD, "", "/c", OK, f"{LISTED}387 days left", ""),
        (after(366), "", "", OK, f"{LISTED}31 days left", ""),
        (after(370), "", "", WARN, f"{LISTED}27 days left", "deploy.py"),
        (after(370), "", "/c", WARN, f"{LISTED}27 days left", "renew /c; docs/tls.md has how"),
        (after(398), "", "", FAIL, f"{LISTED}expired on 2028-02-06", "deploy.py"),
        (after(-1), "", "", FAIL, "not valid before 2027-01-05", "timedatectl"),
        (GOOD, "desk.lan", "/c", WARN, "387 days left; not for desk.lan, by which it", "renew /c"),
        (replace(GOOD, ca_ends=NOW + 9 * DAY), "", "", WARN, "9 days left", "remove services/tls"),
        (replace(GOOD, ca_ends=NOW - 9), "", "", FAIL, "expired on 2027-01-15", "services/tls"),
        (Certificate("/x is not there", NOW), "", "", FAIL, "/x is not there", "deploy.py"),
    ],
)
def test_the_doctor_s_row(
    found: Certificate, called: str, own: str, mark: str, says: str, fix: str
):
    row = certificate(found, called, own)
    assert (row.failed, row.warning) == (mark == FAIL, mark == WARN)
    assert says in row.found
    assert fix in row.fix
    assert bool(row.fix) is (mark != OK)


def test_the_doctor_lists_a_few_names():
    many = replace(GOOD, names=tuple(f"{number}.lan" for number in range(9)))
    assert certificate(many, "", "").found.startswith("0.lan, 1.lan, 2.lan, 3.lan and 5 more;")
