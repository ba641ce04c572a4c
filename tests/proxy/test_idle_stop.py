"""The proxy before a whisper-server, the echoing fake, that a fake `systemctl` stops and starts.

tests/machines/test_idle_stop.py has the real ones.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from whisper_proxy import idle, upstream_monitor
from whisper_proxy.settings import Settings

from tests.ports import free_port

from . import echo_whisper
from .samples import Client, form, silence

PATH = "/v1/audio/transcriptions"
KEY = "sk-secret"
BEARER = {"Authorization": f"Bearer {KEY}"}
# Stops and starts as systemd does: `stop` returns when the process has ended, `start` at once. One
# that nobody has waited for yet has ended too.
SYSTEMCTL = """#!/bin/sh
cd {directory}
echo "$@" >> commands
case $2 in
  stop)
    read -r pid < pid
    kill "$pid"
    while grep -qs 'State:.[^Z]' "/proc/$pid/status"; do sleep 0.01; done ;;
  start) {python} -I -S {script} {port} 0 > /dev/null 2>&1 & echo $! > pid ;;
esac
"""


class Service:
    """A whisper-server that systemctl stops and starts."""

    def __init__(self, directory: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._directory = directory
        self._program = directory / "systemctl"
        script = SYSTEMCTL.format(
            directory=directory, python=sys.executable, script=echo_whisper.__file__, port=port
        )
        self._program.write_text(script)
        self._program.chmod(0o755)

    async def systemctl(self, verb: str) -> None:
        """Do what somebody else does, in place of the proxy."""
        process = await asyncio.create_subprocess_exec(self._program, "--user", verb)
        await process.wait()

    @property
    def commands(self) -> list[str]:
        return (self._directory / "commands").read_text().splitlines()

    async def stopped(self) -> list[str]:
        """What it was told, once that is to stop: /health says so as soon as that is decided."""
        while not self.commands[-1].startswith("--user stop"):
            await asyncio.sleep(0.01)
        return self.commands


@pytest.fixture
async def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(idle, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(upstream_monitor, "POLL_SECONDS", 0.05)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    service = Service(tmp_path, free_port())
    await service.systemctl("start")
    yield service
    await service.systemctl("stop")


@pytest.fixture
def settings(service: Service, tmp_path: Path) -> Settings:
    key = tmp_path / "key"
    key.write_text(KEY)
    return Settings(
        upstream=service.url, upstream_unit="x.service", idle_stop=1, api_key_file=str(key)
    )


async def said(client: Client) -> dict[str, Any]:
    async with client.get("/health") as response:
        return {"http": response.status, **await response.json()}


async def asleep(client: Client) -> dict[str, Any]:
    """What /health says once it is stopped."""
    while (found := await said(client))["whisper_server"] != "idle":
        await asyncio.sleep(0.05)
    return found


async def ask(client: Client, audio: bytes) -> str:
    """What was heard."""
    async with client.post(PATH, data=form(audio), headers=BEARER) as response:
        assert response.status == 200, await response.text()
        return str((await response.json())["text"])


async def test_it_is_stopped_and_the_next_request_starts_it(
    client: Client, service: Service
) -> None:
    found = await asleep(client)
    assert (found["http"], found["status"], found["reason"]) == (200, "ok", None)
    assert (found["in_use"], found["wake_seconds"]) == (None, None)
    async with client.get("/metrics", headers=BEARER) as response:
        text = await response.text()
    assert "\nwhisper_proxy_upstream_up 1.0\n" in text
    assert "\nwhisper_proxy_wake_seconds_count 0.0\n" in text
    audio = silence(0.3)
    assert await ask(client, audio) == echo_whisper.transcript(audio)
    found = await said(client)
    assert (found["status"], found["whisper_server"]) == ("ok", "ready")
    assert found["wake_seconds"] > 0
    assert service.commands[-2:] == ["--user stop x.service", "--user start --no-block x.service"]


async def test_it_is_stopped_and_started_again_and_again(client: Client) -> None:
    recordings = [silence(0.2 + number / 100) for number in range(12)]
    for number, audio in enumerate(recordings):
        if number % 4 == 0:
            await asleep(client)
        assert await ask(client, audio) == echo_whisper.transcript(audio)


REFUSED: dict[str, tuple[int, dict[str, str], FormData | bytes]] = {
    "without the key": (401, {}, form()),
    "with another key": (401, {"Authorization": "Bearer sk-other"}, form()),
    "a stranger's page": (403, {**BEARER, "Origin": "https://evil.example"}, form()),
    "a stranger's name": (403, {**BEARER, "Host": "evil.example"}, form()),
    "no form": (400, {**BEARER, "Content-Type": "audio/wav"}, b"RIFF"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_is_refused_wakes_nothing(client: Client, service: Service, case: str) -> None:
    status, headers, data = REFUSED[case]
    await asleep(client)
    before = await service.stopped()
    async with client.post(PATH, data=data, headers=headers) as response:
        assert response.status == status
    await asyncio.sleep(0.3)
    assert service.commands == before
    assert (await said(client))["whisper_server"] == "idle"


@pytest.mark.parametrize("path", ["/", "/metrics", "/v1/models", "/nowhere"])
async def test_what_needs_no_whisper_server_wakes_nothing(
    client: Client, service: Service, path: str
) -> None:
    await asleep(client)
    before = await service.stopped()
    async with client.get(path, headers=BEARER):
        pass
    await asyncio.sleep(0.3)
    assert service.commands == before


async def test_what_somebody_else_starts_is_not_idle(client: Client, service: Service) -> None:
    await asleep(client)
    await service.systemctl("start")
    while (await said(client))["whisper_server"] != "ready":
        await asyncio.sleep(0.05)
    assert (await asleep(client))["status"] == "ok"
