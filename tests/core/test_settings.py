"""Settings: what is accepted, and the one line that each mistake gets."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from whisper_proxy.settings import load

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.settings import (
    KNOBS,
    PREFIXES,
    Settings,
    as_member,
    local_address,
    read_settings,
    same_ports,
)

ALL = Path(__file__).parents[2] / "group_data" / "all.py"
DEFAULTS = {name: value for name, value in runpy.run_path(str(ALL)).items() if name[0] != "_"}


def settings(**changes: Any) -> Settings:
    return read_settings({**DEFAULTS, **changes})


def failure(**changes: Any) -> str:
    with pytest.raises(UserError) as caught:
        settings(**changes)
    assert len(caught.value.lines) == 1
    return caught.value.lines[0]


def test_the_defaults_are_valid_and_are_what_the_guide_names():
    found = settings()
    assert (found.whisper_port, found.proxy_host, found.proxy_port) == (2022, "127.0.0.1", 2023)
    assert found.model.file_name == "ggml-small.en.bin"
    assert found.gpu_targets == ()


def test_every_default_is_a_knob_and_every_knob_has_a_default():
    assert {name for name in DEFAULTS if name != "environ"} == KNOBS
    assert all(
        knob.startswith(PREFIXES) for knob in KNOBS - {"retry", "doctor", "models", "unattended"}
    )


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("whisper_backend", "rocm", "auto, fastest, hip, vulkan or cpu"),
        ("whisper_backend", ["hip"], "auto, fastest, hip, vulkan or cpu"),
        ("whisper_version", 1.9, "a tag such as v1.9.1"),
        ("whisper_version", "v1.9; rm", "a tag such as v1.9.1"),
        ("whisper_version", "--upload-pack=x", "a tag such as v1.9.1"),
        ("whisper_repo", "git@github.com:x/y", "an http:// or https:// URL"),
        ("whisper_repo", "https://", "an http:// or https:// URL"),
        ("whisper_repo", "http://[", "an http:// or https:// URL"),
        ("whisper_repo", "https://x/ y", "an http:// or https:// URL"),
        ("gpu_targets", "rdna3", "gfx1100;gfx1101"),
        ("gpu_targets", "", "gfx1100;gfx1101"),
        ("gpu_targets", [], "gfx1100;gfx1101"),
        ("whisper_port", "http", "1024 to 65535"),
        ("whisper_port", 0, "1024 to 65535"),
        ("whisper_port", 80, "1024 to 65535"),
        ("whisper_port", True, "1024 to 65535"),
        ("whisper_port", -2022, "1024 to 65535"),
        ("whisper_port", 2022.0, "1024 to 65535"),
        ("proxy_port", 65536, "1024 to 65535"),
        ("uninstall_models", "maybe", "yes or no"),
        ("retry", "maybe", "yes or no"),
        ("compare_keep", "maybe", "yes or no"),
        ("doctor", "fully", "quick or full"),
        ("doctor", True, "quick or full"),
        ("whisper_known_defects", "v1.9.2", "a mapping of tags to reasons"),
        ("whisper_known_defects", {"v1.9.2": True}, "a mapping of tags to reasons"),
        ("rocm_packages", "rocm", "rocm-hip-sdk or minimal"),
        ("gpu_software", "llvmpipe", "yes or no"),
        ("gpu_kfd", "nodes", "absolute path"),
        ("gpu_kfd", "/a b", "absolute path"),
        ("gpu_pci", "devices", "absolute path"),
        ("proxy_port", None, "1024 to 65535"),
        ("proxy_host", "example.org", "an IP address"),
        ("proxy_host", 7, "an IP address"),
        ("proxy_cors_origins", "chat.lan", "origins such as"),
        ("proxy_cors_origins", ["https://chat.lan/page"], "origins such as"),
        ("proxy_cors_origins", 'app://x"', "origins such as"),
        ("proxy_names", "https://stt.lan", "host names"),
        ("proxy_names", "stt.lan/x", "host names"),
        ("proxy_names", "$HOME", "host names"),
        ("proxy_page", "off", "yes or no"),
        *(
            ("upgrade_timer", value, "never, or a time such as daily")
            for value in ("", None, "daily\nOnBootSec=1", "%h", "'daily'", False)
        ),
        ("notify_command", "mail ada\nrm x", "a shell command in one line"),
        ("notify_command", ["mail", "ada"], "a shell command in one line"),
        ("unattended", "maybe", "yes or no"),
        *(
            ("wyoming", value, "off, or an IP address of the host and a port from 1024 to 65535")
            for value in ("on", True, 10300, "10300", "ha.lan:10300", "127.0.0.1:80", "1.2.3:4567")
        ),
        *(
            ("idle_stop", value, "never, or a time from 10s to 168h")
            for value in (
                "",
                "9s",
                "0",
                900,
                "15",
                "15 min",
                "15m",
                "1.5h",
                "169h",
                "30min1h",
                "no",
            )
        ),
        ("proxy_api_key_file", "key", "the absolute path of a file on the host"),
        ("proxy_api_key_file", "/my key", "the absolute path of a file on the host"),
        ("proxy_tls", "on", "off, internal, or the absolute paths"),
        ("proxy_tls", True, "off, internal, or the absolute paths"),
        ("proxy_tls", "/cert.pem", "off, internal, or the absolute paths"),
        ("proxy_tls", "cert.pem key.pem", "off, internal, or the absolute paths"),
        ("proxy_tls", "/a.pem /b.pem /c.pem", "off, internal, or the absolute paths"),
        ("proxy_tls", ["/a b.pem", "/c.pem"], "off, internal, or the absolute paths"),
        ("model_source", "ftp://x", "an http:// or https:// URL"),
        ("whisper_model", "small-en", "did you mean small"),
        ("whisper_model", 5, "a URL, an absolute path"),
        ("whisper_model", "models/mine.bin", "an absolute path"),
        ("whisper_model", "ftp://x/ggml-x.bin", "http(s) URL"),
        ("whisper_model", "https://x/", "http(s) URL"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(name, value, allowed):
    line = failure(**{name: value})
    assert line.startswith(f"{name}: got {value!r}")
    assert allowed in line


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (
            "small.en,larg-v3",
            "models: got 'larg-v3' (did you mean large-v3?); allowed is a URL",
        ),
        ("", "models: got ''; allowed is a URL, an absolute path, or tiny-q5_1, "),
        ([], "models: got ''; allowed is a URL, an absolute path, or tiny-q5_1, "),
        (1.5, "models: got '1.5'; allowed is a URL, an absolute path, or tiny-q5_1, "),
        (["small.en", 7], "models: got '7'; allowed is a URL, an absolute path, or tiny-q5_1, "),
        ("x/own.bin", "models: got 'x/own.bin'; allowed is a published name, or an http(s) URL or"),
        ("/x/own.bin", "models: got ''; /x/own.bin needs the 64 hexadecimal digits that `sha256s"),
        ("small.en#sha256=12", "models: got '12', but small.en is c6138d6d58ec"),
    ],
)
def test_a_bad_model_in_a_list_is_named_with_what_is_allowed(value: object, line: str):
    assert failure(models=value).startswith(line)


def test_a_sum_of_a_listed_model_stands_behind_it():
    assert failure(models="/x/own.bin").endswith(" prints for it, as #sha256=… behind it")
    own, small = settings(models=f"/x/own.bin#sha256={'AB' * 32}, small.en small.en").models
    assert (own.name, own.url, own.sha256) == ("own", "file:///x/own.bin", "ab" * 32)
    assert (small.name, small.size) == ("small.en", 487614201)


def test_a_mistake_that_two_settings_share_is_told_once():
    assert failure(model_source="x").startswith("model_source: got 'x'")


def test_every_mistake_has_its_own_line():
    with pytest.raises(UserError) as caught:
        settings(whisper_port="x", proxy_port="y", whisper_modle="z")
    assert [line.split(":")[0] for line in caught.value.lines] == [
        "whisper_modle",
        "whisper_port",
        "proxy_port",
    ]


def test_a_misspelt_setting_gets_a_suggestion():
    assert failure(whisper_modle="x").endswith("did you mean whisper_model?")
    assert failure(gpu_zzzzzz="x").endswith("see group_data/all.py for those there are")


@pytest.mark.parametrize(
    ("given", "retry"), [("yes", True), (True, True), ("no", False), (False, False)]
)
def test_retry_is_given_in_words_or_as_pyinfra_reads_them(given, retry):
    assert settings(retry=given).retry is retry
    assert settings().retry is False


def test_the_two_ports_differ():
    assert "whisper_port too" in failure(whisper_port=4000, proxy_port="4000")


@pytest.mark.parametrize(
    ("given", "targets"),
    [
        ("auto", ()),
        ("gfx1101", ("gfx1101",)),
        ("gfx1100;gfx1101", ("gfx1100", "gfx1101")),
        ("gfx1100, gfx90a gfx1100", ("gfx1100", "gfx90a")),
        (["gfx1030"], ("gfx1030",)),
    ],
)
def test_gpu_targets_are_a_list_however_they_are_given(given, targets):
    assert settings(gpu_targets=given).gpu_targets == targets


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:2023"),
        ("localhost", "http://127.0.0.1:2023"),
        ("0.0.0.0", "http://127.0.0.1:2023"),
        ("192.168.1.5", "http://192.168.1.5:2023"),
        ("::", "http://[::1]:2023"),
        ("::1", "http://[::1]:2023"),
    ],
)
def test_the_proxy_is_found_at_an_address_that_answers(host, url):
    assert settings(proxy_host=host).proxy_url == url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", None),
        ("::1", None),
        ("0.0.0.0", "http://server.lan:2023"),
        ("::", "http://server.lan:2023"),
        ("192.168.1.5", "http://192.168.1.5:2023"),
    ],
)
def test_others_find_the_proxy_only_where_it_listens_for_them(host, url):
    assert settings(proxy_host=host).lan_url("server.lan") == url


@pytest.mark.parametrize(
    ("given", "taken", "own"),
    [
        ("off", "off", None),
        (False, "off", None),  # as --data proxy_tls=off is read
        ("internal", "internal", None),
        ("/a.pem /b.key", "/a.pem /b.key", ("/a.pem", "/b.key")),
        (["/a.pem", "/b.key"], "/a.pem /b.key", ("/a.pem", "/b.key")),
    ],
)
def test_a_certificate_is_none_the_deploy_s_or_one_s_own(given, taken, own):
    found = settings(proxy_tls=given)
    assert (found.proxy_tls, found.own_certificate) == (taken, own)


def test_with_tls_others_call_over_https_and_the_host_itself_as_before():
    found = settings(proxy_host="0.0.0.0", proxy_tls="internal")
    assert found.lan_url("server.lan") == "https://server.lan:2023"
    assert found.proxy_url == "http://127.0.0.1:2023"
    at = settings(proxy_host="192.168.1.5", proxy_tls="/a.pem /b.key")
    assert at.lan_url("server.lan") == "https://192.168.1.5:2023"


@pytest.mark.parametrize(
    ("host", "address"), [("127.0.0.1", "127.0.0.1:2023"), ("::", "[::]:2023")]
)
def test_the_proxy_listens_where_it_is_told(host, address):
    assert settings(proxy_host=host).proxy_address == address


ORIGINS = [
    "", "*", "file://", "https://chat.lan", "app://obsidian.md, tauri://localhost",
    "moz-extension://0b5e-1 http://[::1]:3000", "http://a:65535", "http://a:65536", "http://a:0",
    "http://[::1", "http://[1.2]", "http://_a-b.c", "x+y.z-1://a",
]  # fmt: skip
NAMES = ["", "stt.lan", "STT.lan:8443, 10.0.0.1", "[::1]:80 fe80::1", "a:b", ":::", "-_.", "[x]"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("proxy_cors_origins", one) for one in ORIGINS] + [("proxy_names", one) for one in NAMES],
)
def test_the_proxy_takes_what_the_deploy_takes(name: str, value: str):
    try:
        taken = getattr(settings(**{name: value}), name)
    except UserError:
        return
    load({}, {f"WHISPER_{name.upper()}": taken})


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("never", 0), ("10s", 10), ("90s", 90), ("15min", 900), ("2h", 7200), ("1h30min", 5400),
        ("1h1min1s", 3661), ("168h", 604800),
    ],
)  # fmt: skip
def test_an_idle_time_is_read_as_seconds_which_the_proxy_takes(given: str, seconds: int):
    found = settings(idle_stop=given).idle_stop
    assert found == seconds
    load({"idle_stop": str(found), "upstream_unit": "a.service"}, {})


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("off", ""),
        (False, ""),  # as --data wyoming=off is read
        ("127.0.0.1:10300", "127.0.0.1:10300"),
        ("localhost:10300", "127.0.0.1:10300"),
        ("[::]:10300", "[::]:10300"),
    ],
)
def test_home_assistant_s_address_has_a_port(given: object, taken: str):
    assert settings(wyoming=given).wyoming == taken


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("never", ""),
        ("daily", "daily"),
        ("*-*-1 4:00 Europe/Rome", "*-*-1 4:00 Europe/Rome"),
    ],
)
def test_upgrades_come_when_they_are_wanted(given: str, taken: str):
    assert settings(upgrade_timer=given).upgrade_timer == taken


def test_its_port_is_none_of_the_others():
    assert settings(wyoming="[::]:10300").addresses["wyoming"] == ("::", 10300)
    assert "wyoming" not in settings().addresses
    with pytest.raises(UserError, match="wyoming: got 2023, which is proxy_port too"):
        settings(wyoming="0.0.0.0:2023")


@pytest.mark.parametrize(
    ("listen", "found"),
    [
        ("0.0.0.0:10300", ("127.0.0.1", 10300)),
        ("[::]:10300", ("::1", 10300)),
        ("192.168.1.5:10300", ("192.168.1.5", 10300)),
    ],
)
def test_a_service_is_asked_where_it_answers_on_the_host_itself(
    listen: str, found: tuple[str, int]
):
    assert local_address(listen) == found


@pytest.mark.parametrize("value", ["https://chat.lan, app://x", ["https://chat.lan", "app://x"]])
def test_a_list_may_be_a_text(value: object):
    assert settings(proxy_cors_origins=value).proxy_cors_origins == "https://chat.lan app://x"


@pytest.mark.parametrize(
    "changes",
    [
        {"whisper_repo": "htps://ada:s3cr3t@host/x"},
        {"whisper_repo": "https://ada:s3cr3t/x@host/x"},
        {"whisper_repo": "https://ada:s3%0Acr3t@host/x"},
        {"whisper_repo": "https://host/x?token=s3cr3t"},
        {"whisper_model": "https://ada:s3cr3t@host/x", "model_sha256": "a" * 64},
        {"whisper_model": "https://ada:s3cr3t@host/x.bin"},
        {"whisper_model": "https://host/a b.bin?token=s3cr3t", "model_sha256": "a" * 64},
        {"model_source": "ftp://ada:s3cr3t@host"},
    ],
)
def test_what_is_wrong_with_a_url_is_said_without_its_credentials(changes: dict[str, str]):
    said = failure(**changes)
    assert "***" in said
    assert "cr3t" not in said


def test_a_member_of_a_pool_is_reached_from_outside_and_encrypted():
    member = as_member(settings())
    assert (member.proxy_host, member.proxy_tls) == ("0.0.0.0", "internal")
    assert as_member(settings(proxy_host="10.0.0.7")).proxy_host == "10.0.0.7"
    with pytest.raises(UserError, match="from the pool's gateway"):
        as_member(settings(proxy_tls="/a.pem /b.key"))


def test_ports_of_one_machine_are_different():
    assert same_ports({"a": 1, "b": 2}) == []
    assert same_ports({"a": 1, "b": 1, "c": 1}) == [
        "b: got 1, which is a too; give the two different ports",
        "c: got 1, which is a too; give the two different ports",
    ]


@pytest.mark.parametrize("value", ["two.lan", "10.0.0.2", "fd00::2", ""])
def test_where_a_member_is_reached(value: str):
    assert settings(pool_address=value).pool_address == value


@pytest.mark.parametrize("value", ["two.lan:2023", "http://two.lan", "a b", "-x\n"])
def test_a_port_or_a_url_is_no_address_of_a_member(value: str):
    assert "a host name or an IP address, without a port" in failure(pool_address=value)
