"""Facts of generations and services: what is asked, and what becomes of a real answer."""

import json
from unittest.mock import patch

import pytest
from pyinfra.api import FactBase
from pyinfra_testing.util import get_command_string

from tests.generations import generation, manifest, rejected
from voicemode_whisper.core import generations
from voicemode_whisper.core.generations import EarlierSetup
from voicemode_whisper.core.layout import PROXY_SOCKET, PROXY_UNIT, SERVER_UNIT, Layout
from voicemode_whisper.core.services import ServiceState, UnitState
from voicemode_whisper.facts.generations import Earlier, Generations
from voicemode_whisper.facts.user_unit import Services

LAYOUT = Layout("/h")
SERVICES, UNITS = LAYOUT.services, LAYOUT.units


@pytest.mark.parametrize(
    ("fact", "arguments", "command"),
    [
        (Generations, {}, f"list-generations {SERVICES}"),
        (Earlier, {}, f"describe-setup {SERVICES} {UNITS}"),
        (Services, {"number": 7}, f"service-state {SERVICES} {UNITS} 7"),
    ],
)
def test_each_is_one_script_and_so_one_round_trip(
    fact: type[FactBase], arguments: dict[str, int], command: str
):
    with patch("voicemode_whisper.scripts._text", "{}.sh".format):
        asked = fact().command(layout=LAYOUT, **arguments)
    assert get_command_string(asked) == f"sh -c {command.split()[0]}.sh {command}"


def test_generations_with_one_that_was_rejected():
    found = Generations().process(
        [
            "current generations/1",
            f"manifest {json.dumps(manifest(1), indent=2)} ".replace("\n", " "),
            f"manifest {json.dumps(manifest(10, 'rejected'), indent=2)} ".replace("\n", " "),
            "version whisper.cpp/builds/v1.9.1-000000000001",
            "version generations/1",
            "version generations/10",
            "model whisper.cpp/models/ggml-small.en.bin",
        ]
    )
    assert found == generations.Generations(
        all=(generation(1), rejected(10)),
        current=1,
        versions=(
            "whisper.cpp/builds/v1.9.1-000000000001",
            "generations/1",
            "generations/10",
        ),
        models=("whisper.cpp/models/ggml-small.en.bin",),
    )
    # `pyinfra … fact` prints it.
    assert json.loads(json.dumps(found.to_json()))["current"] == 1


def test_on_a_fresh_machine_there_are_none():
    assert Generations.default() == generations.Generations()
    assert Earlier.default() is None
    assert Services.default() == ServiceState()


def test_a_setup_by_hand_that_runs():
    found = Earlier().process(
        [
            "build=whisper.cpp/build.by-hand",
            "proxy=whisper-proxy.by-hand",
            "venv=whisper-proxy-venv.by-hand",
            "model=whisper.cpp/models/ggml-small.en.bin",
            "server=127.0.0.1:2022",
            "listen=0.0.0.0:2023",
            "socket=no",
            "server_revision=",
            "proxy_revision=",
        ]
    )
    assert found == EarlierSetup(
        build="whisper.cpp/build.by-hand",
        proxy="whisper-proxy.by-hand",
        venv="whisper-proxy-venv.by-hand",
        model="whisper.cpp/models/ggml-small.en.bin",
        server="127.0.0.1:2022",
        listen="0.0.0.0:2023",
    )


def test_services_of_which_one_is_stale():
    found = Services().process(
        [
            f"runs {SERVER_UNIT} /h/b/bin/whisper-server",
            f"runs {PROXY_UNIT} /usr/bin/python3.13",
            f"unit {SERVER_UNIT}",
            "MainPID=1144",
            "ActiveState=active",
            "UnitFileState=enabled",
            "NeedDaemonReload=no",
            "InvocationID=6f4",
            "program=/h/b/bin/whisper-server",
            "SERVICE_REVISION=88b3c63de6be",
            f"differs {PROXY_UNIT}",
            f"unit {PROXY_UNIT}",
            "MainPID=0",
            "ActiveState=failed",
            "UnitFileState=enabled",
            "NeedDaemonReload=yes",
            "InvocationID=6f5",
            f"unit {PROXY_SOCKET}",
            "Listen=127.0.0.1:2023 (Stream)",
            "ActiveState=active",
            "UnitFileState=enabled",
            "NeedDaemonReload=no",
            "InvocationID=6f6",
        ]
    )
    assert found.differing == (PROXY_UNIT,)
    assert found.programs[PROXY_UNIT] == "/usr/bin/python3.13"
    assert found.units == {
        SERVER_UNIT: UnitState(
            "active", "enabled", False, "6f4", "/h/b/bin/whisper-server", "88b3c63de6be", 1144
        ),
        PROXY_UNIT: UnitState("failed", "enabled", True, "6f5"),
        PROXY_SOCKET: UnitState("active", "enabled", invocation="6f6", listen="127.0.0.1:2023"),
    }
