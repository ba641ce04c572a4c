"""Where VoiceMode sends speech."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.health import ASKED, ENV, KEY, PROFILE, env_file, set_in_profile
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.environment import Setting
from voicemode_whisper.core.health import voicemode
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.voicemode_env import LISTEN


@pytest.mark.parametrize(
    ("value", "behind"),
    [
        (ASKED, ""),
        (f"{ASKED}/", ""),
        ("http://localhost:2023/v1", ""),
        (
            f"{ASKED},https://me:secret@example.org/v1",
            ", and silence and what fails go to https://example.org/v1",
        ),
    ],
)
def test_voicemode_that_asks_the_proxy_first(value: str, behind: str):
    row = voicemode.voicemode(ASKED, env_file(value), "ada", [set_in_profile(value)])
    assert row == CheckResult(
        "VoiceMode",
        f"is pointed at {ASKED} by {ENV}, line 2{behind}; "
        "one that runs reads it when it is restarted",
    )


def test_voicemode_that_asks_an_http_proxy_for_it():
    proxy = Setting("http_proxy", "http://me:secret@proxy.lan:3128", "/etc/environment", 3)
    row = voicemode.voicemode(ASKED, env_file(ASKED), "ada", [proxy])
    assert not row.fix
    assert row.found.endswith(
        "restarted; /etc/environment, line 3, has it ask http_proxy for that: "
        "add 127.0.0.1 to no_proxy"
    )
    assert "secret" not in row.found


@pytest.mark.parametrize(
    "value", ["https://example.org/v1", f"https://example.org/v1,{ASKED}", f"{ASKED}x"]
)
def test_voicemode_that_asks_another_first(value: str):
    row = voicemode.voicemode(ASKED, env_file(ASKED), "ada", [set_in_profile(value)])
    assert row.found == f"{PROFILE} says {value} (line 7)"
    assert row.fix.endswith("  # then restart Claude Code")
    row = voicemode.voicemode(ASKED, env_file(value), "ada", [])
    assert (row.found, row.fix) == (f"{ENV}, line 2 says {value}", DEPLOY_AGAIN)


def test_a_variable_that_is_empty_hides_the_file_of_voicemode():
    row = voicemode.voicemode(ASKED, env_file(ASKED), "ada", [set_in_profile("")])
    assert row.found == f"{PROFILE} says nothing (line 7)"
    assert row.fix.startswith(f"${{EDITOR:-nano}} +7 {PROFILE}")


def test_voicemode_that_was_never_told():
    row = voicemode.voicemode(ASKED, env_file(None), "ada", [])
    assert row == CheckResult("VoiceMode", f"{ENV} does not name the proxy", DEPLOY_AGAIN)


def test_what_voicemode_cannot_read_is_told():
    row = voicemode.voicemode(
        ASKED, replace(env_file(None), readable=False, owner="root"), "ada", []
    )
    assert row.found == f"{ENV} cannot be read by ada"
    assert row.fix == f"sudo chown ada {ENV} && chmod u+rw {ENV}"


def test_what_voicemode_listens_through():
    """It reads no file, so that nobody can set it up but the user."""
    row = voicemode.voicemode_listen(ASKED, [set_in_profile("https://example.org/v1")])
    assert row.found == f"is not set up; who wants it: export {LISTEN}={ASKED}"
    assert row.fix == ""
    set_right = Setting(LISTEN, ASKED, PROFILE, 7)
    assert voicemode.voicemode_listen(ASKED, [set_right]).found == f"is pointed at {ASKED}"
    for value in ("https://example.org/v1", f"{ASKED},https://example.org/v1"):
        elsewhere = Setting(LISTEN, value, PROFILE, 7)
        assert voicemode.voicemode_listen(ASKED, [elsewhere]).fix.startswith("sed -i")


def test_what_mends_voicemode_does(tmp_path: Path):
    profile, other = tmp_path / ".bashrc", tmp_path / ".profile"
    profile.write_text(f'alias a=b\nexport {KEY}="https://example.org/v1"\n')
    other.write_text(f"{KEY}=https://example.org/v1\n")
    set_by = [
        Setting(KEY, "https://example.org/v1", str(path), line)
        for path, line in ((profile, 2), (other, 1))
    ]
    fix = voicemode.voicemode(ASKED, env_file(ASKED), "ada", set_by).fix
    subprocess.run(fix, shell=True, check=True)
    assert profile.read_text() == f'alias a=b\nexport {KEY}="{ASKED}"\n'
    assert other.read_text() == f"{KEY}={ASKED}\n"
