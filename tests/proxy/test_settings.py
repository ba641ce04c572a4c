import dataclasses

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
    ("model", "", "1 to 100 letters"),
    ("model", "-x", "1 to 100 letters"),
    ("model", "a b", "1 to 100 letters"),
    ("model", "a" * 101, "1 to 100 letters"),
]


def test_defaults() -> None:
    settings = load({}, {})
    assert dataclasses.astuple(settings) == (
        "127.0.0.1",
        2023,
        "http://127.0.0.1:2022",
        "whisper-1",
    )


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
    assert message.startswith(f"--{name} is {text!r}, but must be ")
    assert allowed in message
    assert "\n" not in message


def test_a_bad_variable_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^WHISPER_PROXY_PORT is 'x', but must be a whole"):
        load({}, {"WHISPER_PROXY_PORT": "x"})


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
