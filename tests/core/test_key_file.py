"""The API key's file: which are refused, and with which command."""

import pytest

from voicemode_whisper.core.key_file import KeyFile, key_problem


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (KeyFile(0o600, "ada", True), None),
        (KeyFile(0o400, "ada", True), None),
        (None, "not on the host"),
        (KeyFile(0o644, "ada", True), "run: chmod 600 /k"),
        (KeyFile(0o610, "ada", True), "run: chmod 600 /k"),
        (KeyFile(0o640, "root", True), "run: sudo chown ada /k && sudo chmod 600 /k"),
        (KeyFile(0o600, "eve", False), "run: sudo chown ada /k && sudo chmod 600 /k"),
        (KeyFile(0o600, "ada", False), "cannot read one key"),
        (KeyFile(0o600, "root", False), "cannot read one key"),
    ],
)
def test_who_else_can_read_the_key(found: KeyFile | None, problem: str | None):
    said = key_problem(found, "/k", "ada")
    assert said is None if problem is None else problem in (said or "")
