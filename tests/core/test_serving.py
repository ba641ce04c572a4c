"""What is on the disk of what serves."""

from voicemode_whisper.core.layout import PROXY_SOCKET
from voicemode_whisper.core.serving import Serving, parse_serving


def test_what_the_script_prints_is_read():
    lines = [
        "changed build bin/whisper-server",
        "changed proxy whisper_proxy/app.py",
        "asked",
        f"starts {PROXY_SOCKET}",
        "busy ada@desk (process 7), since 2026-11-30 06:00:00",
    ]
    assert parse_serving(lines) == Serving(
        changed_build=("bin/whisper-server",),
        changed_proxy=("whisper_proxy/app.py",),
        starts=(PROXY_SOCKET,),
        busy="ada@desk (process 7), since 2026-11-30 06:00:00",
    )


def test_a_manager_that_cannot_be_asked_starts_nobody_knows_what():
    assert parse_serving([]).starts is None
    assert parse_serving(["asked"]).starts == ()
