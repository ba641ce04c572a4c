"""GET /status: what /health says, and how the machine is used."""

import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from whisper_proxy import gpu_sensors
from whisper_proxy.settings import Settings
from whisper_proxy.status import generation

from .fake_whisper import FakeWhisper
from .samples import Client, form
from .test_gpu_sensors import FILES, card

PATH = "/v1/audio/transcriptions"


async def asked(client: Client, path: str = "/status") -> dict[str, object]:
    async with client.get(path) as response:
        assert response.status == 200
        return await response.json()


async def test_it_has_what_health_has_and_more(client: Client) -> None:
    body, health = await asked(client), await asked(client, "/health")
    assert {name: body.pop(name) for name in health} == health
    hour = body.pop("last_hour")
    assert isinstance(hour, dict)
    assert all(len(column) == 60 for column in hour.values())
    assert body == {
        "generation": None,
        "english_only": False,
        "max_bytes": 512 * 2**20,
        "max_seconds": 4 * 3600,
        "gpu": None,
    }


async def test_transcriptions_are_counted_and_nothing_else(
    client: Client, whisper: FakeWhisper
) -> None:
    async with client.post(PATH, data=form()) as response:
        assert response.status == 200
    async with client.post(PATH, data=form(b"junk")) as response:
        assert response.status == 400
    async with client.get(PATH) as response:
        assert response.status == 405
    hour = (await asked(client))["last_hour"]
    assert isinstance(hour, dict)
    assert (sum(hour["requests"]), sum(hour["failed"])) == (2, 1)
    assert hour["longest_wait"][-1] < 1
    assert 0 < hour["real_time_factor"][-1] < 1


class TestWithAKey:
    @pytest.fixture
    def settings(self, settings: Settings, tmp_path: Path) -> Settings:
        (tmp_path / "key").write_text("sk-local")
        return replace(settings, api_key_file=str(tmp_path / "key"))

    async def test_nobody_without_it_learns_more_than_health_tells(self, client: Client) -> None:
        async with client.get("/status") as response:
            assert response.status == 401
            assert set(await response.json()) == {"error"}
        headers = {"Authorization": "Bearer sk-local"}
        async with client.get("/status", headers=headers) as response:
            assert response.status == 200


class TestWithACard:
    @pytest.fixture
    def settings(self, settings: Settings, tmp_path: Path) -> Settings:
        return replace(settings, gpu_device=str(card(tmp_path, FILES)))

    async def test_its_sensors_are_read(self, client: Client) -> None:
        gpu = (await asked(client))["gpu"]
        assert isinstance(gpu, dict)
        assert (gpu["watts"], gpu["memory_used"]) == (31.0, 2**30)

    async def test_one_that_hangs_holds_one_thread(
        self, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gpu_sensors, "PATIENCE_SECONDS", 0.05)
        file = tmp_path / "gpu_busy_percent"
        file.unlink()
        os.mkfifo(file)  # whoever opens it waits for somebody who writes
        threads = threading.active_count()
        for _ in range(3):
            assert (await asked(client))["gpu"] is None
        assert threading.active_count() <= threads + 1
        with file.open("w"):
            file.unlink()
        card(tmp_path, FILES)
        monkeypatch.undo()
        await asked(client)  # what hung has ended
        gpu = (await asked(client))["gpu"]
        assert isinstance(gpu, dict)
        assert gpu["busy"] == 7


async def test_polling_it_leaves_the_log_alone(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="whisper_proxy")
    await asked(client)
    assert "path=/status" not in caplog.text
    await asked(client, "/health")
    assert "path=/health" in caplog.text


@pytest.mark.parametrize(
    ("directory", "number"), [("generations/12", 12), ("generations/x", None), ("other/12", None)]
)
def test_the_generation_is_the_one_that_the_link_names(
    tmp_path: Path, directory: str, number: int | None
) -> None:
    (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "current").symlink_to(directory)
    assert generation(Settings(upstream_path_file=f"{tmp_path}/current/request-path")) == number


def test_without_a_secret_path_there_is_none() -> None:
    assert generation(Settings()) is None
