"""VoiceMode's file of settings: what is refused, in which words."""

import base64

import pytest

from voicemode_whisper.core.env_file import EnvFile, parse_env_file

PATH = "/h/.voicemode/voicemode.env"
LINE = "STT=url"
FILE = {"kind": "regular file", "size": 9, "owner": "ada"}


def file(real: str = PATH, **known: object) -> EnvFile:
    return EnvFile(PATH, real, real != PATH, **{**FILE, **known})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (file(), None),
        (file(kind="", directory="missing"), None),
        (file(real="/dotfiles/env", kind=""), None),
        (file(real="/gone/env", kind="", directory="missing"), "is a link to /gone/env, whose"),
        (file(kind="directory"), "is a directory, and not a file of settings"),
        (file(kind="fifo"), "is a fifo"),
        (file(kind="symbolic link"), "is a symbolic link"),
        (file(readable=False), f"cannot be read by ada; run: chmod u+rw {PATH}"),
        (file(readable=False, owner="root"), f"run: sudo chown ada {PATH} && chmod u+rw {PATH}"),
        (file(size=1 << 30), "has 1073741824 bytes"),
        (file(text=None), "is not text in UTF-8"),
    ],
)
def test_what_voicemode_could_not_read(found: EnvFile, said: str | None):
    problem = found.unreadable("ada")
    assert problem is None if said is None else said in (problem or "")
    assert "\n" not in (problem or "")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (file(), None),
        (file(kind="", directory="missing", owner=""), None),
        (
            file(owner="root"),
            f"belongs to root; run: sudo chown ada {PATH}, or give it the line {LINE}",
        ),
        (file(attributes="i"), f"sudo chattr -ia {PATH} /h/.voicemode"),
        (
            file(real="/etc/env", directory="closed"),
            "cannot be replaced in /etc, where ada may not",
        ),
    ],
)
def test_what_the_deploy_could_not_change(found: EnvFile, said: str | None):
    problem = found.unwritable("ada", LINE)
    assert problem is None if said is None else said in (problem or "")


@pytest.mark.parametrize(
    ("held", "text"), [(b"A=\xc3\xa9\r\n", "A=é\r\n"), (b"\xff", None), (b"\0", None)]
)
def test_text_is_utf_8(held: bytes, text: str | None):
    encoded = base64.b64encode(held).decode()
    said = [f"path={PATH}", f"real={PATH}", "link=no", "leftover=no", f"text={encoded}"]
    assert parse_env_file(said).text == text
