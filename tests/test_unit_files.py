"""The units and environment files of a generation, as they are written."""

import os
import re
from dataclasses import replace
from typing import Any

import pytest
from whisper_proxy import gpu

from tests.generations import CARD, MODEL, ON_CARD, ON_CPU, PYTHON, TOOLS, settings, spec
from voicemode_whisper.core.gateway import PoolSetup, PoolSpec
from voicemode_whisper.core.layout import (
    POOL_SOCKET,
    POOL_UNIT,
    POOL_UNITS,
    PROXY_SOCKET,
    PROXY_UNIT,
    SERVER_UNIT,
    UNITS,
    UPGRADE_TIMER,
    UPGRADE_UNIT,
    WYOMING_UNIT,
    Layout,
)
from voicemode_whisper.core.memory_limits import proxy_memory, server_memory
from voicemode_whisper.core.models import resolve_model
from voicemode_whisper.core.pool import Member, Pool, Tls
from voicemode_whisper.core.speed import Speed
from voicemode_whisper.core.toolchain import Toolchain
from voicemode_whisper.resources import TEMPLATES
from voicemode_whisper.unit_files import (
    MARKER,
    UnitFiles,
    render,
    render_pool,
    render_upgrade,
    templates_fingerprint,
)

FAST = Speed("-fa", load=200, encode=93, total=480)
# What implies a mount namespace, which can hide the GPU from the server (systemd.exec(5)).
NAMESPACES = r"^(Private|Protect|ReadOnly|ReadWrite|Inaccessible|Bind|Temporary|Root|Mount)"
# What varies from one generation to the next, and so has to stand in environment files alone.
OTHERWISE: list[dict[str, Any]] = [
    {"build": ON_CPU},
    {"model": resolve_model("tiny.en", "", "http://x")},
    {"settings": settings(whisper_port=4022)},
    {"settings": settings(proxy_api_key_file="/etc/key")},
    {"settings": settings(proxy_tls="internal")},
    {"settings": settings(proxy_tls="/a.pem /b.key")},
    {"settings": settings(gpu_kfd="/test/kfd")},
    {"settings": settings(proxy_cors_origins=["app://x", "*"], proxy_names="stt.lan")},
]


def files_of(
    tools: Toolchain = TOOLS,
    best: Speed | None = FAST,
    vad: bool = True,
    python: str = PYTHON,
    number: int = 7,
    **changes: Any,
) -> UnitFiles:
    return render(spec(**changes).resolve(tools, python), number, best, vad)


def pool_of(certificates: str = "one", **changes: Any) -> PoolSetup:
    """A gateway's setup."""
    pool = Pool((Member("one", "10.0.0.1"),), "/run/user/1000/pool", 2025, Tls("/ca", "/pool.pem"))
    spec = PoolSpec(pool, settings(**changes), "proxy-version", "lock-sha256")
    return render_pool(spec, "venv-1", certificates)


def unit(name: str, **changes: Any) -> str:
    return files_of(**changes).files[f"units/{name}"]


def lines(name: str, **changes: Any) -> list[str]:
    """The lines of server.env or proxy.env."""
    return files_of(**changes).files[f"{name}.env"].splitlines()


# With all that a generation may have.
WITH_ALL: dict[str, Any] = {"settings": settings(wyoming="0.0.0.0:10300")}


@pytest.mark.parametrize("name", UNITS)
def test_every_value_has_been_filled_in(name: str):
    assert "{{" not in unit(name, **WITH_ALL)
    assert unit(name, **WITH_ALL).splitlines()[-1].startswith("WantedBy=")


def test_every_file_is_made_from_a_template():
    names = {name.removeprefix("units/") for name in files_of(**WITH_ALL).files}
    assert names == {*UNITS, "server.env", "proxy.env", "wyoming.env", "request-path.c"}
    of_pool = {name.removeprefix("units/") for name in pool_of().files}
    assert of_pool == {*POOL_UNITS, "haproxy.cfg", "pool.env"}
    upgrade = set(render_upgrade("daily", "project-1", "venv-1"))
    included = {"access.env", "proxy-service", "hardening"}
    assert {path.name for path in TEMPLATES.iterdir()} == {
        f"{name}.j2" for name in names | of_pool | upgrade | included
    }


def test_a_machine_upgrades_itself_when_it_is_told_with_what_it_was_given():
    units = render_upgrade("Sun 04:00", "project-1", "venv-2")
    assert "\nOnCalendar=Sun 04:00\n" in units[UPGRADE_TIMER]
    assert "services/upgrade/project-1\n" in units[UPGRADE_UNIT]
    assert " ../venv-2\n" in units[UPGRADE_UNIT]
    assert all(MARKER in text for text in units.values())


def test_the_deploy_knows_its_own_units():
    assert all(MARKER in unit(name, **WITH_ALL) for name in UNITS)


def without_memory(text: str) -> str:
    return re.sub(r"(?m)^MemoryMax=\d+$", "", text)


@pytest.mark.parametrize("name", [SERVER_UNIT, PROXY_UNIT])
@pytest.mark.parametrize("changes", OTHERWISE, ids=str)
def test_but_for_memory_units_are_the_same_in_every_generation(name: str, changes: dict[str, Any]):
    assert without_memory(unit(name, **changes)) == without_memory(unit(name))
    assert "services/current/" in unit(name)
    assert not re.search(r"services/(?!current/)", unit(name))


@pytest.mark.parametrize(
    ("name", "size"),
    [(SERVER_UNIT, server_memory(MODEL.size)), (PROXY_UNIT, proxy_memory())],
)
def test_what_a_service_may_take_stands_in_its_unit(name: str, size: int):
    assert f"\nMemoryMax={size}\nOOMPolicy=continue\n" in unit(name)
    assert "LimitCORE=0" in unit(name)


def test_only_the_address_stands_in_the_socket_s_unit():
    assert "\nListenStream=127.0.0.1:2023\n" in unit(PROXY_SOCKET)
    elsewhere = unit(PROXY_SOCKET, settings=settings(proxy_host="::", proxy_port=4023))
    assert "\nListenStream=[::]:4023\n" in elsewhere
    for changes in OTHERWISE:
        assert unit(PROXY_SOCKET, **changes) == unit(PROXY_SOCKET)


@pytest.mark.parametrize("name", ["server", "proxy"])
@pytest.mark.parametrize("changes", [{}, *OTHERWISE], ids=str)
def test_an_environment_file_has_comments_and_variables_alone(name: str, changes: dict[str, Any]):
    for line in lines(name, **changes):
        assert re.fullmatch(r'#.*|[A-Z_]+=("[^"]*"|[^\s"]*)', line)


def test_the_server_listens_on_loopback_with_the_generation_s_model():
    assert "--model %h/.voicemode/services/current/model " in unit(SERVER_UNIT)
    assert "--host 127.0.0.1 " in unit(SERVER_UNIT)
    assert "--port ${WHISPER_PORT} $FLASH_ATTENTION $VAD\n" in unit(SERVER_UNIT)
    found = lines("server", settings=settings(whisper_port=4022), best=replace(FAST, flag="-nfa"))
    assert {"WHISPER_PORT=4022", "FLASH_ATTENTION=-nfa"} <= set(found)


def test_the_server_answers_nobody_who_has_not_its_secret():
    """Its request paths are regular expressions: without the secret, none but /health matches."""
    text = unit(SERVER_UNIT)
    assert "\nWorkingDirectory=%h/.voicemode/services/current/\n" in text
    assert "\nEnvironment=LD_PRELOAD=./request-path.so\n" in text
    assert " --request-path (@request-path|(?=/health$$)) " in text
    assert "services/current/request-path" in unit(PROXY_UNIT)


def test_without_a_measure_the_server_has_its_own_way():
    found = lines("server", best=None)
    assert "FLASH_ATTENTION=" in found
    assert not [line for line in found if line.startswith("GPU_MAX_HW_QUEUES")]


@pytest.mark.parametrize("one_queue", [True, False, None])
def test_the_server_has_one_hardware_queue_where_that_was_chosen(one_queue: bool | None):
    found = lines("server", best=replace(FAST, one_queue=one_queue))
    assert ("GPU_MAX_HW_QUEUES=1" in found) is (one_queue is True)


def test_server_and_proxy_use_the_vad_model_that_the_build_has():
    assert 'VAD="--vad-model build/vad.bin"' in lines("server")
    assert "WHISPER_PROXY_VAD=1" in lines("proxy")
    # whisper.cpp before v1.7.6 would not start with the option.
    assert "VAD=" in lines("server", vad=False)
    assert "WHISPER_PROXY_VAD=0" in lines("proxy", vad=False)


def test_the_proxy_listens_where_it_is_told_and_asks_the_server():
    found = lines(
        "proxy", settings=settings(proxy_host="0.0.0.0", proxy_port=4023, whisper_port=4022)
    )
    assert {
        "WHISPER_PROXY_HOST=0.0.0.0",
        "WHISPER_PROXY_PORT=4023",
        "WHISPER_PROXY_UPSTREAM=http://127.0.0.1:4022",
    } <= set(found)


def test_the_proxy_kills_the_server_that_hangs_and_systemd_starts_it_again():
    assert f"WHISPER_PROXY_UPSTREAM_UNIT={SERVER_UNIT}" in lines("proxy")
    assert "Restart=always\n" in unit(SERVER_UNIT)
    # systemctl talks to the user's manager over a socket.
    (families,) = re.findall("^RestrictAddressFamilies=(.*)$", unit(PROXY_UNIT), re.MULTILINE)
    assert "AF_UNIX" in families.split()


def test_the_proxy_knows_what_it_stands_before():
    assert {
        "WHISPER_PROXY_BACKEND=hip",
        'WHISPER_PROXY_DEVICE="AMD GPU (gfx1101, 16 GiB)"',
        "WHISPER_PROXY_WHISPER_VERSION=v1.9.1",
        "WHISPER_PROXY_MODEL=small.en",
    } <= set(lines("proxy"))
    assert 'WHISPER_PROXY_DEVICE="CPU"' in lines("proxy", build=ON_CPU)


def test_home_assistant_s_service_is_there_only_where_it_is_wanted():
    assert not [name for name in files_of().files if "wyoming" in name]
    assert "wyoming" not in files_of().revisions
    found = lines("wyoming", **WITH_ALL)
    assert {
        "WYOMING_URI=tcp://0.0.0.0:10300",
        'WYOMING_LANGUAGES="en"',
        "STT_OPENAI_URL=http://127.0.0.1:2023/v1",
        "STT_MODELS=small.en",
    } <= set(found)
    assert f"SERVICE_REVISION={files_of(**WITH_ALL).revisions['wyoming']}" in found
    # At INFO wyoming-openai logs each transcript.
    assert "WYOMING_LOG_LEVEL=WARNING" in found


def test_home_assistant_is_told_the_languages_that_the_model_knows():
    large = resolve_model("large-v3", "", "http://x")
    (languages,) = (
        line
        for line in lines("wyoming", model=large, **WITH_ALL)
        if line.startswith("WYOMING_LANGUAGES")
    )
    assert {"en", "de", "ja", "no"} <= set(languages.split('"')[1].split())


def test_home_assistant_s_service_is_restarted_for_what_it_depends_on_alone():
    def revision(wanted: dict[str, Any] | None = None, **changes: Any) -> str:
        found = settings(wyoming="[::]:10300", **(wanted or {}))
        return files_of(settings=found, **changes).revisions["wyoming"]

    assert revision() == revision(number=8) == revision(proxy="9" * 12)
    others = [
        revision({"proxy_port": 4023}),
        revision({"proxy_api_key_file": "/key"}),
        revision(python="3.14"),
        revision(wyoming_lock_sha256="e" * 64),
    ]
    assert len({revision(), *others}) == 5


def test_a_key_is_named_by_its_file_alone():
    assert not [line for line in lines("proxy") if "API_KEY" in line]
    found = lines("proxy", settings=settings(proxy_api_key_file="/etc/key"))
    assert "WHISPER_PROXY_API_KEY_FILE=/etc/key" in found
    wanted = settings(wyoming="127.0.0.1:10300", proxy_api_key_file="/etc/key")
    assert "API_KEY_FILE=/etc/key" in lines("wyoming", settings=wanted)
    (command,) = re.findall(r"^ExecStart=.*$", unit(WYOMING_UNIT, settings=wanted), re.MULTILINE)
    assert 'STT_OPENAI_KEY=$$(cat "$$API_KEY_FILE")' in command


def test_the_proxy_finds_its_certificate():
    assert not [line for line in lines("proxy") if "TLS" in line]
    internal = lines("proxy", settings=settings(proxy_tls="internal"))
    names = {"CERTIFICATE": "certificate", "KEY": "certificate_key"}
    for variable, name in names.items():
        # From the proxy's code, whose versions lie below services/ as well.
        layout = Layout("/home/ada")
        path = os.path.relpath(getattr(layout, name), f"{layout.services}/whisper-proxy-0")
        assert f"WHISPER_PROXY_TLS_{variable}={path}" in internal
    assert "WorkingDirectory=%h/.voicemode/services/current/proxy\n" in unit(PROXY_UNIT)
    own = lines("proxy", settings=settings(proxy_tls="/a.pem /b.key"))
    assert {"WHISPER_PROXY_TLS_CERTIFICATE=/a.pem", "WHISPER_PROXY_TLS_KEY=/b.key"} <= set(own)


def test_a_member_of_a_pool_lets_its_gateways_in():
    assert not [line for line in lines("proxy") if "CLIENT_CA" in line]
    inside = lines("proxy", settings=settings(proxy_tls="internal"), in_pool=True)
    assert "WHISPER_PROXY_CLIENT_CA=../tls/ca.pem" in inside


def test_a_gateway_s_proxy_listens_for_the_pool_and_asks_haproxy():
    found = pool_of(pool_port=4024, proxy_tls="internal", proxy_api_key_file="/etc/key")
    assert found.address == "0.0.0.0:4024"
    assert {
        "WHISPER_PROXY_HOST=0.0.0.0",
        "WHISPER_PROXY_PORT=4024",
        "WHISPER_PROXY_POOL=/run/user/1000/pool",
        "WHISPER_PROXY_API_KEY_FILE=/etc/key",
        "WHISPER_PROXY_POOL_KEY_FILE=/etc/key",
        "WHISPER_PROXY_TLS_CERTIFICATE=../../tls/server.pem",
    } <= set(found.files["pool.env"].splitlines())
    assert "\nListenStream=0.0.0.0:4024\n" in found.files[f"units/{POOL_SOCKET}"]
    layout = Layout("/home/ada")
    path = os.path.relpath(layout.certificate, f"{layout.pool}/proxy-0")
    assert path == "../../tls/server.pem"
    assert "services/pool/current/proxy\n" in found.files[f"units/{POOL_UNIT}"]


def test_all_that_changes_makes_another_setup_and_restarts_what_depends_on_it():
    setup, renewed, other_key = pool_of(), pool_of("two"), pool_of(proxy_api_key_file="/etc/key")
    assert len({one.name for one in (setup, renewed, other_key)}) == 3
    assert renewed.balancer_revision != setup.balancer_revision == other_key.balancer_revision
    assert renewed.proxy_revision == setup.proxy_revision != other_key.proxy_revision
    assert f"description {setup.balancer_revision}\n" in setup.files["haproxy.cfg"]
    assert f"SERVICE_REVISION={setup.proxy_revision}\n" in setup.files["pool.env"]
    assert all(MARKER in setup.files[f"units/{name}"] for name in POOL_UNITS)


def test_the_proxy_knows_who_may_call():
    assert not [line for line in lines("proxy") if re.search("NAMES|ORIGINS", line)]
    allowed = settings(proxy_cors_origins="https://a.lan, app://x", proxy_names="stt.lan b.lan")
    assert {
        'WHISPER_PROXY_CORS_ORIGINS="https://a.lan app://x"',
        'WHISPER_PROXY_NAMES="stt.lan b.lan"',
    } <= set(lines("proxy", settings=allowed))


def test_the_proxy_has_a_page_unless_it_is_not_to():
    assert not [line for line in lines("proxy") if "PAGE" in line]
    assert "WHISPER_PROXY_PAGE=0" in lines("proxy", settings=settings(proxy_page="no"))
    assert "WHISPER_PROXY_PAGE=0" in pool_of(proxy_page="no").files["pool.env"].splitlines()


def test_the_proxy_knows_where_the_card_s_sensors_are():
    card = replace(ON_CARD, gpu=replace(CARD, address="0000:03:00.0"))
    found = lines("proxy", build=card, settings=settings(gpu_pci="/test/pci"))
    assert "WHISPER_PROXY_GPU_DEVICE=/test/pci/0000:03:00.0" in found
    assert not [line for line in lines("proxy", build=ON_CPU) if "GPU_DEVICE" in line]


def test_the_proxy_sees_whether_half_of_the_model_lies_on_the_card():
    tiny = resolve_model("tiny.en", "", "http://x")
    found = lines("proxy", model=tiny, settings=settings(gpu_kfd="/test/kfd"))
    assert "WHISPER_PROXY_KFD=/test/kfd" in found
    assert f"WHISPER_PROXY_GPU_MEMORY={77704715 // 2}" in found


def test_a_model_of_unknown_size_counts_as_the_smallest():
    found = lines("proxy", model=replace(MODEL, size=None))
    assert f"WHISPER_PROXY_GPU_MEMORY={16 * 1024**2}" in found


def test_what_integrated_graphics_take_is_not_known():
    integrated = replace(ON_CARD, gpu=replace(CARD, gfx="gfx1151"))
    assert "WHISPER_PROXY_GPU_MEMORY=0" in lines("proxy", build=integrated)


def test_nobody_looks_for_a_gpu_that_was_not_asked_for():
    assert not [line for line in lines("proxy", build=ON_CPU) if re.search("KFD|MEMORY", line)]


def test_the_proxy_knows_the_server_s_unit_by_its_name():
    assert gpu.SERVER_UNIT == SERVER_UNIT


def test_nothing_hides_the_gpu_from_the_server():
    assert not re.search(NAMESPACES, unit(SERVER_UNIT), re.MULTILINE)


def test_the_server_sees_the_chosen_gpu_alone():
    second = replace(ON_CARD, gpu=replace(CARD, index=1))
    found = lines("server", build=second)
    assert {"ROCM_PATH=/opt/rocm", "ROCR_VISIBLE_DEVICES=1"} <= set(found)
    assert not [line for line in lines("server", build=ON_CPU) if "ROC" in line]


def test_the_proxy_is_not_stopped_with_the_server():
    assert "Requires=voicemode-whisper.service" not in unit(PROXY_UNIT)


def revisions(**changes: Any) -> tuple[str, str]:
    found = files_of(**changes)
    return found.revisions["server"], found.revisions["proxy"]


def test_a_process_is_told_its_revision():
    server, proxy = revisions()
    assert f"SERVICE_REVISION={server}" in lines("server")
    assert f"SERVICE_REVISION={proxy}" in lines("proxy")


@pytest.mark.parametrize(
    ("changes", "server", "proxy"),
    [
        ({}, False, False),
        ({"settings": settings(retry="yes")}, False, False),
        ({"tools": replace(TOOLS, versions=("c++ 16",))}, True, False),
        ({"best": replace(FAST, flag="-nfa")}, True, False),
        ({"number": 8}, True, False),  # for its secret
        ({"model": replace(MODEL, sha256="cd" * 32)}, True, False),
        ({"python": "3.14"}, False, True),
        ({"proxy": "9" * 12}, False, True),
        ({"settings": settings(proxy_api_key_file="/key")}, False, True),
        ({"settings": settings(whisper_port=4022)}, True, True),
    ],
)
def test_only_what_is_concerned_by_a_change_is_restarted(
    changes: dict[str, Any], server: bool, proxy: bool
):
    before, after = revisions(), revisions(**changes)
    assert (before[0] != after[0], before[1] != after[1]) == (server, proxy)


def test_the_templates_are_known_by_their_contents():
    assert re.fullmatch("[0-9a-f]{12}", templates_fingerprint())
