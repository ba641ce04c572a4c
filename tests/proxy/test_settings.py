import dataclasses
from pathlib import Path

import pytest
from whisper_proxy.settings import Settings, SettingsError, load

GOOD = [
    ("host", "0.0.0.0", "0.0.0.0"),
    ("host", "::1", "::1"),
    ("host", "box.lan", "box.lan"),
    ("port", "1", 1),
    ("port", "65535", 65535),
    ("upstream", "http://127.0.0.1:2022", "http://127.0.0.1:2022"),
    ("upstream", "http://[::1]:2022/", "http://[::1]:2022"),
    ("upstream", "http://box.lan", "http://box.lan"),
    ("model", "small.en", "small.en"),
    ("model", "openai/whisper-large-v3", "openai/whisper-large-v3"),
    ("vad", "1", 1),
    ("concurrency", "4", 4),
    ("queue", "0", 0),
    ("max_wait", "60", 60),
    ("max_upload", "25", 25),
    ("idle_timeout", "5", 5),
    ("drain_timeout", "5", 5),
    ("cors_origins", "*", ("*",)),
    ("cors_origins", "file://", ("file://",)),
    ("cors_origins", "https://chat.lan/", ("https://chat.lan",)),
    ("cors_origins", "HTTPS://Chat.lan:443", ("https://chat.lan",)),
    (
        "cors_origins",
        "app://obsidian.md, moz-extension://0b5e-1 tauri://localhost",
        ("app://obsidian.md", "moz-extension://0b5e-1", "tauri://localhost"),
    ),
    (
        "names",
        "STT.example.org:8443 203.0.113.9,[2001:db8::1]",
        ("stt.example.org", "203.0.113.9", "2001:db8::1"),
    ),
    ("pool", "/run/user/1000/pool", "/run/user/1000/pool"),
    ("device", "AMD Radeon RX 7800 XT", "AMD Radeon RX 7800 XT"),
    ("kfd", "/trial/kfd", "/trial/kfd"),
    ("pci", "0000:03:00.0", "0000:03:00.0"),
    ("gpu_memory", "243805235", 243805235),
]
BAD = [
    ("host", "", "a host name or an IP address"),
    ("host", "two words", "a host name or an IP address"),
    ("port", "", "from 1 to 65535"),
    ("port", "0", "from 1 to 65535"),
    ("port", "65536", "from 1 to 65535"),
    ("port", "-1", "from 1 to 65535"),
    ("port", "http", "from 1 to 65535"),
    ("port", "²", "from 1 to 65535"),
    ("upstream", "127.0.0.1:2022", "http://HOST:PORT"),
    ("upstream", "https://127.0.0.1:2022", "http://HOST:PORT"),
    ("upstream", "http://", "http://HOST:PORT"),
    ("upstream", "http://[::1:2022", "http://HOST:PORT"),
    ("upstream", "http://127.0.0.1:99999", "http://HOST:PORT"),
    ("upstream", "http://127.0.0.1:0", "http://HOST:PORT"),
    ("upstream", "http://user@127.0.0.1:2022", "http://HOST:PORT"),
    ("upstream", "http://127.0.0.1:2022/inference", "http://HOST:PORT"),
    ("upstream", "http://127.0.0.1:2022?a=b", "http://HOST:PORT"),
    ("upstream_unit", "whisper", "a service's name"),
    ("upstream_unit", "--force.service", "a service's name"),
    ("upstream_unit", "a b.service", "a service's name"),
    ("idle_stop", "9", "0, or seconds from 10"),
    ("idle_stop", "15min", "0, or seconds from 10"),
    ("idle_stop", "604801", "a week"),
    ("model", "", "1 to 100 letters"),
    ("model", "-x", "1 to 100 letters"),
    ("model", "a b", "1 to 100 letters"),
    ("model", "a" * 101, "1 to 100 letters"),
    ("vad", "yes", "from 0 to 1"),
    ("concurrency", "0", "from 1 to 64"),
    ("queue", "-1", "from 0 to 10000"),
    ("max_wait", "0.5", "from 1 to 3600"),
    ("cors_origins", "chat.lan", "* or origins"),
    ("cors_origins", "https://chat.lan/page", "* or origins"),
    ("cors_origins", "https://good.lan, null", "* or origins"),
    ("cors_origins", "1app://x", "* or origins"),
    ("names", "https://stt.example.org", "host names or IP addresses"),
    ("api_key_file", "/nonexistent", "a readable file that holds one key"),
    ("api_key_file", "/dev/null", "a readable file that holds one key"),
    ("device", "a\nb", "printable"),
    ("kfd", "kfd", "the absolute path of a directory"),
    ("gpu_memory", "0.5", "a whole number from 0"),
]


def test_defaults() -> None:
    settings = load({}, {})
    assert dataclasses.astuple(settings) == (
        "127.0.0.1",
        2023,
        "http://127.0.0.1:2022",
        *("", ""),
        *("", "", 0),
        "whisper-1",
        *(0, 1, 32, 45, 8, 512, 0, 30, 80),
        *("", "", "", ""),
        *((), (), 1, "", "", ""),
        *("/sys/class/kfd/kfd", "", "", 0),
    )


@pytest.mark.parametrize(
    ("max_upload", "max_spool", "mib"),
    [(512, 0, 4096), (1, 0, 8), (512, 2000, 2000), (512, 1, 1024)],
)
def test_the_spool_holds_eight_of_the_largest_and_at_least_two(
    max_upload: int, max_spool: int, mib: int
) -> None:
    settings = Settings(max_upload=max_upload, max_spool=max_spool)
    assert settings.spool_bytes == mib * 2**20


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_flag_and_a_variable_mean_the_same(name: str, text: str, value: object) -> None:
    assert getattr(load({name: text}, {}), name) == value
    assert getattr(load({}, {f"WHISPER_PROXY_{name.upper()}": text}), name) == value


@pytest.mark.parametrize(("name", "text", "allowed"), BAD)
def test_a_bad_flag_says_what_is_allowed(name: str, text: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({name: text}, {})
    message = str(caught.value)
    flag = name.replace("_", "-")
    assert message.startswith(f"--{flag} is {text!r}, but must be ")
    assert allowed in message
    assert "\n" not in message


def test_what_is_stopped_when_idle_has_to_be_named() -> None:
    with pytest.raises(SettingsError, match=r"IDLE_STOP is 900, but WHISPER_PROXY_UPSTREAM_UNIT"):
        load({"idle_stop": "900"}, {})
    assert load({"idle_stop": "900", "upstream_unit": "a.service"}, {}).idle_stop == 900
    assert load({"idle_stop": "0"}, {}).idle_stop == 0


def test_a_pool_has_nothing_to_stop_when_idle() -> None:
    given: dict[str, str | None] = {"idle_stop": "900", "upstream_unit": "a.service"}
    with pytest.raises(SettingsError, match=r"IDLE_STOP is 900, but with WHISPER_PROXY_POOL it"):
        load({**given, "pool": "/run/user/1000/pool"}, {})


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^WHISPER_PROXY_PORT is 'x', but must be a whole"):
        load({}, {"WHISPER_PROXY_PORT": "x"})


@pytest.mark.parametrize("content", ["sk-secret", " sk-secret\n"])
def test_the_key_is_in_a_file_and_shown_nowhere(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    settings = load({}, {"WHISPER_PROXY_API_KEY_FILE": str(file)})
    assert settings.api_key_file == str(file)
    assert "secret" not in repr(settings)


@pytest.mark.parametrize("content", ["", "two words", "two\nlines", "schlüssel", "a\0b"])
def test_what_is_no_key_is_not_shown(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    with pytest.raises(SettingsError, match="holds one key") as caught:
        load({"api_key_file": str(file)}, {})
    assert not content or content not in str(caught.value)


def test_a_flag_wins_over_a_variable() -> None:
    assert load({"port": "1"}, {"WHISPER_PROXY_PORT": "junk"}).port == 1


def test_an_empty_variable_is_not_set() -> None:
    assert load({"port": None}, {"WHISPER_PROXY_PORT": ""}).port == 2023


@pytest.mark.parametrize(
    ("model", "english_only"),
    [
        ("tiny.en", True),
        ("small.en-q5_1", True),
        ("small.en-tdrz", True),
        ("small", False),
        ("large-v3-turbo", False),
        ("whisper-1", False),
        ("my.enormous", False),
    ],
)
def test_english_only(model: str, english_only: bool) -> None:
    assert Settings(model=model).english_only is english_only


@pytest.mark.parametrize("name", ["cors_origin", "cors_origins"])
def test_the_variable_works_by_its_former_name_too(name: str) -> None:
    settings = load({}, {f"WHISPER_PROXY_{name.upper()}": "https://chat.lan"})
    assert settings.cors_origins == ("https://chat.lan",)
    with pytest.raises(SettingsError, match=f"^WHISPER_PROXY_{name.upper()} is 'x'"):
        load({}, {f"WHISPER_PROXY_{name.upper()}": "x"})


@pytest.mark.parametrize(
    ("model", "cantonese"),
    [
        ("tiny", False),
        ("small-q8_0", False),
        ("medium", False),
        ("large-v2-q5_0", False),
        ("large", False),
        ("large-v3", True),
        ("large-v3-turbo-q5_0", True),
        ("whisper-1", True),
    ],
)
def test_cantonese(model: str, cantonese: bool) -> None:
    assert Settings(model=model).cantonese is cantonese
