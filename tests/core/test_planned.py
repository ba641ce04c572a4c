"""What a deploy would change, as a table and as an exit status."""

from voicemode_whisper.core.planned import status, table

PLANNED = {"a.lan": [], "server.lan": ["Packages | Install", "Services | Switch"]}


def test_each_change_has_a_line_and_each_host_one():
    assert table(PLANNED, ["c.lan"]) == [
        "host        would change",
        "a.lan       nothing",
        "server.lan  Packages | Install",
        "            Services | Switch",
        "c.lan       unknown, as told above",
    ]


def test_the_status_tells_changes_from_errors():
    assert status({"a": [], "b": []}) == 0
    assert status(PLANNED) == 2
    assert status(PLANNED, ["c.lan"]) == 1
    assert status({}) == 1
