"""Home Assistant's way to the proxy: it comes with a setting, transcribes, and goes with it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.boxes import Box
from tests.machines.deploying import ROOT, SERVICES, Run, deployed, raise_boxes
from tests.machines.doctoring import examined
from voicemode_whisper.core.layout import PROXY_UNIT, WYOMING_UNIT
from voicemode_whisper.core.speech import is_spoken

KEY_FILE = "/home/ada/proxy.key"
LISTEN = "0.0.0.0:10300"
SYSTEMCTL = "systemctl --user"
CLIENT = (ROOT / "tests/clients/wyoming_client.py").read_text()
# What the server does with the lines on standard input, as raw as they are.
SEND = "exec 3<> /dev/tcp/127.0.0.1/10300; cat >&3; timeout 3 cat <&3; true"
DESCRIBE = '{"type": "describe"}\n'
# A web page can have a browser send this.
FROM_A_PAGE = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\n{DESCRIBE}"


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("wyoming", base=served) as (serving,):
        yield serving


def put_key(box: Box, key: str) -> None:
    box.run(f"umask 077; echo {key} > {KEY_FILE}")


def wanted(box: Box, **options: Any) -> Run:
    return deployed(box, wyoming=LISTEN, proxy_api_key_file=KEY_FILE, **options)


def heard(box: Box) -> list[Any]:
    """The event with which Home Assistant's own client is answered last: [type, data]."""
    recording = f"{SERVICES}/whisper.cpp/samples/jfk.wav"
    box.run("cat > client.py", input=CLIENT)
    said = box.run(f"{SERVICES}/current/wyoming/bin/python client.py 10300 {recording}").stdout
    last: list[Any] = json.loads(said)[-1]
    return last


def process(box: Box, unit: str) -> str:
    return box.run(f"{SYSTEMCTL} show -p MainPID --value {unit}").stdout


def test_with_the_setting_home_assistant_is_answered(box: Box):
    put_key(box, "first")
    run = wanted(box)
    assert f"wyoming: who reaches {LISTEN} needs no key" in run.output
    kind, data = heard(box)
    assert kind == "transcript"
    assert is_spoken(data["text"])
    assert not is_spoken(box.run(f"journalctl --user -q -o cat -u {WYOMING_UNIT}").stdout)
    assert wanted(box).changes == 0


def test_the_key_stands_on_no_command_line(box: Box):
    pid = process(box, WYOMING_UNIT).strip()
    assert "STT_OPENAI_KEY=first" in box.run(f"tr '\\0' '\\n' < /proc/{pid}/environ").stdout
    lines = "for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $file; done 2> /dev/null"
    assert "first" not in box.run(f"{lines}; true", user="root").stdout


def test_no_web_page_is_answered(box: Box):
    assert '"type": "info"' in box.run(f"bash -c '{SEND}'", input=DESCRIBE).stdout
    assert box.run(f"bash -c '{SEND}'", input=FROM_A_PAGE).stdout == ""


def test_the_doctor_asks_it_as_home_assistant_does(box: Box):
    table = examined(box, wyoming=LISTEN, proxy_api_key_file=KEY_FILE)
    assert table.rows["Home Assistant"] == f"OK  {LISTEN} transcribes the sample (Wyoming)"
    assert table.rows["Wyoming unit"] == f"OK  {WYOMING_UNIT} runs, and after a boot too"
    assert table.rows["wyoming"].startswith("OK  10300: python")


def test_another_key_is_taken_by_the_next_run(box: Box):
    put_key(box, "second")
    table = examined(box, wyoming=LISTEN, proxy_api_key_file=KEY_FILE)
    assert table.ill == {"Home Assistant"}
    assert f"fix: systemctl --user restart {WYOMING_UNIT}" in table.rows["Home Assistant"]
    before = process(box, PROXY_UNIT)
    wanted(box)
    assert is_spoken(heard(box)[1]["text"])
    assert process(box, PROXY_UNIT) == before


def test_off_it_is_gone(box: Box):
    put_key(box, "second")
    run = deployed(box, proxy_api_key_file=KEY_FILE)
    assert run.changes > 0
    assert box.run(f"{SYSTEMCTL} is-enabled {WYOMING_UNIT}; true").stdout in ("not-found\n", "")
    assert box.run("ss -Hltn 'sport = :10300'").stdout == ""
    assert deployed(box, proxy_api_key_file=KEY_FILE).changes == 0


def test_uninstalled_nothing_of_it_is_left(box: Box):
    wanted(box)
    deployed(box, file="tasks/uninstall.py")
    assert box.run("ss -Hltn 'sport = :10300'").stdout == ""
    left = f"ls -d ~/.config/systemd/user/*wyoming* {SERVICES}/*wyoming* 2> /dev/null; true"
    assert box.run(left).stdout == ""
