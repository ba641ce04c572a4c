"""Variables that are set elsewhere: in which form, and what mends each."""

import subprocess
from pathlib import Path

import pytest

from voicemode_whisper.core.environment import Setting, parse_settings, proxy_before

KEY, URL = "VOICEMODE_STT_BASE_URLS", "http://127.0.0.1:2023/v1"
CLOUD = "https://api.openai.com/v1"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (f"{KEY}={CLOUD}", CLOUD),
        (f'export {KEY}="{CLOUD}" # cloud', CLOUD),
        (f"  export {KEY}='{CLOUD},{URL}'", f"{CLOUD},{URL}"),
        (f"export {KEY}={CLOUD}; echo", CLOUD),
        (f"set -gx {KEY} {CLOUD}", CLOUD),
        (f"setenv {KEY} {CLOUD}", CLOUD),
        (f"{KEY} DEFAULT={CLOUD}", CLOUD),
        (f'"{KEY}": "{CLOUD}"', CLOUD),
    ],
)
def test_each_form_is_read_and_mended(tmp_path: Path, line: str, value: str):
    path = tmp_path / "a profile"
    path.write_text(f"# {KEY}={CLOUD}\n{line}\n")
    (setting,) = parse_settings([f"{path}:2:{line}"])
    assert setting == Setting(KEY, value, str(path), 2)
    subprocess.run(setting.fix(URL), shell=True, check=True)
    assert path.read_text() == f"# {KEY}={CLOUD}\n{line.replace(value, URL)}\n"


@pytest.mark.parametrize(
    ("path", "text", "value", "fix"),
    [
        (
            "/h/.config/fish/fish_variables",
            rf"SETUVAR --export {KEY}:https\x3a//a",
            "https://a",
            "set -Ue",
        ),
        ("/h/.bashrc", f"export {KEY}=", "", "${EDITOR:-nano} +3 /h/.bashrc"),
        ("/h/.bashrc", f"export {KEY}=$CLOUD", "$CLOUD", "${EDITOR:-nano} +3 /h/.bashrc"),
        ("/etc/environment", f"{KEY}={CLOUD}", CLOUD, "sudo sed -i --follow-symlinks -E '3s|"),
    ],
)
def test_what_sed_cannot_mend_is_opened(path: str, text: str, value: str, fix: str):
    (setting,) = parse_settings([f"{path}:3:{text}"])
    assert setting.value == value
    assert fix in setting.fix(URL)


def test_the_fix_shows_no_password():
    (setting,) = parse_settings([f"/h/.bashrc:1:export {KEY}=https://me:secret@stt.example/v1"])
    assert "secret" not in setting.fix(URL)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([], None),
        (["http_proxy=http://proxy.lan:3128"], ("http_proxy", 1)),
        (["export HTTP_PROXY='http://me:secret@proxy.lan'"], ("HTTP_PROXY", 1)),
        (["no_proxy=sources,.lan", "set -gx all_proxy socks5h://proxy.lan"], ("all_proxy", 2)),
        (["http_proxy="], None),
        (["http_proxy=http://proxy.lan", 'no_proxy="localhost, 127.0.0.1"'], None),
        (["http_proxy=http://proxy.lan", "NO_PROXY=*"], None),
    ],
)
def test_a_proxy_that_the_user_s_programs_ask_for_what_is_here(lines: list[str], found):
    settings = parse_settings(f"/etc/environment:{n}:{line}" for n, line in enumerate(lines, 1))
    assert len(settings) == len(lines)
    proxy = proxy_before("127.0.0.1", settings)
    assert (proxy and (proxy.key, proxy.line)) == found
