"""The units, as they are written."""

import re
from pathlib import Path

import pytest
from whisper_proxy import gpu

from core.build import Order
from core.gpu import Gpu
from core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT
from core.release import Release
from core.settings import read_settings
from tasks.services import render
from tasks.target import DEFAULTS

SERVICES = (SERVER_UNIT, PROXY_UNIT)
UNITS = (*SERVICES, PROXY_SOCKET)
# What implies a mount namespace, which can hide the GPU from the server (systemd.exec(5)).
NAMESPACES = r"^(Private|Protect|ReadOnly|ReadWrite|Inaccessible|Bind|Temporary|Root|Mount)"


def order(backend: str, gfx: str = "gfx1101") -> Order:
    return Order(Release("v1.9.1", "a" * 40), backend, (gfx,), Gpu(1, gfx, 16 << 30))


def unit(
    name: str, backend: str = "hip", depends_on: str = "x", gfx: str = "gfx1101", **changes: object
) -> str:
    settings = read_settings({**DEFAULTS, **changes})
    return render(name, depends_on, settings=settings, order=order(backend, gfx))[0]


@pytest.mark.parametrize("name", UNITS)
def test_every_value_has_been_filled_in(name):
    assert "{{" not in unit(name)
    assert unit(name).splitlines()[-1].startswith("WantedBy=")


def test_the_server_listens_on_loopback_with_the_model_that_was_chosen():
    text = unit(SERVER_UNIT, whisper_model="base.en", whisper_port=4022)
    assert "models/ggml-base.en.bin" in text
    assert "--host 127.0.0.1" in text
    assert "--port 4022" in text


def test_the_proxy_listens_where_it_is_told_and_asks_the_server():
    text = unit(PROXY_UNIT, proxy_host="0.0.0.0", proxy_port=4023, whisper_port=4022)
    assert "WHISPER_PROXY_HOST=0.0.0.0" in text
    assert "WHISPER_PROXY_PORT=4023" in text
    assert "WHISPER_PROXY_UPSTREAM=http://127.0.0.1:4022" in text


def test_systemd_listens_where_the_proxy_does():
    assert "\nListenStream=127.0.0.1:2023\n" in unit(PROXY_SOCKET)
    assert "\nListenStream=[::]:4023\n" in unit(PROXY_SOCKET, proxy_host="::", proxy_port=4023)


def test_the_proxy_knows_what_it_stands_before():
    text = unit(PROXY_UNIT)
    assert "WHISPER_PROXY_BACKEND=hip\n" in text
    assert '"WHISPER_PROXY_DEVICE=AMD GPU (gfx1101, 16 GiB)"\n' in text
    assert "WHISPER_PROXY_WHISPER_VERSION=v1.9.1\n" in text


def test_a_key_is_named_by_its_file_alone():
    assert "API_KEY" not in unit(PROXY_UNIT)
    assert "WHISPER_PROXY_API_KEY_FILE=/etc/key\n" in unit(
        PROXY_UNIT, proxy_api_key_file="/etc/key"
    )


def test_the_proxy_sees_whether_half_of_the_model_lies_on_the_card():
    text = unit(PROXY_UNIT, whisper_model="tiny.en", gpu_kfd="/trial/kfd")
    assert "\nEnvironment=WHISPER_PROXY_KFD=/trial/kfd\n" in text
    assert f"\nEnvironment=WHISPER_PROXY_GPU_MEMORY={77704715 // 2}\n" in text


def test_a_model_of_unknown_size_counts_as_the_smallest():
    text = unit(PROXY_UNIT, whisper_model="/models/ggml-own.bin", model_sha256="a" * 64)
    assert f"WHISPER_PROXY_GPU_MEMORY={16 * 1024**2}\n" in text


def test_what_integrated_graphics_take_is_not_known():
    assert "WHISPER_PROXY_GPU_MEMORY=0\n" in unit(PROXY_UNIT, gfx="gfx1151")


def test_nobody_looks_for_a_gpu_that_was_not_asked_for():
    text = unit(PROXY_UNIT, backend="cpu")
    assert "KFD" not in text
    assert "GPU_MEMORY" not in text


def test_the_proxy_knows_the_server_s_unit_by_its_name():
    assert gpu.SERVER_UNIT == SERVER_UNIT


def test_nothing_hides_the_gpu_from_the_server():
    assert not re.search(NAMESPACES, unit(SERVER_UNIT), re.MULTILINE)


def test_the_server_sees_the_chosen_gpu_alone():
    text = unit(SERVER_UNIT)
    assert "\nEnvironment=ROCM_PATH=/opt/rocm\nEnvironment=ROCR_VISIBLE_DEVICES=1\n" in text
    assert "ROC" not in unit(SERVER_UNIT, backend="cpu")


def test_the_proxy_is_not_stopped_with_the_server():
    assert "Requires=voicemode-whisper.service" not in unit(PROXY_UNIT)


@pytest.mark.parametrize("name", SERVICES)
def test_the_revision_changes_with_the_unit_and_with_what_it_depends_on(name):
    settings = read_settings(DEFAULTS)
    revisions = {
        render(name, depends_on, settings=settings, order=order(backend))[1]
        for depends_on in ("x", "y")
        for backend in ("hip", "cpu")
    }
    assert len(revisions) == 4
    text, revision = render(name, "x", settings=settings, order=order("hip"))
    assert f"Environment=SERVICE_REVISION={revision}\n" in text


def test_every_unit_is_a_template():
    templates = Path(__file__).parents[2] / "templates"
    assert {path.name for path in templates.iterdir()} == {f"{name}.j2" for name in UNITS}
