import pytest
from whisper_proxy import languages

FOUND = [
    ("en", "en"),
    ("EN", "en"),
    (" de ", "de"),
    ("en-US", "en"),
    ("zh_Hans_CN", "zh"),
    ("english", "en"),
    ("German", "de"),
    ("Haitian Creole", "ht"),
    ("haitian", "ht"),
    ("Mandarin", "zh"),
    ("nb-NO", "no"),
    ("fil-PH", "tl"),
    ("jv", "jw"),
    ("haw", "haw"),
    ("yue", "yue"),
    ("auto", "auto"),
    ("AUTO", "auto"),
    ("", "auto"),
    ("  ", "auto"),
]
UNKNOWN = ["xx", "klingon", "e", "-", "en US", "auto-US", "english please", "\0"]


@pytest.mark.parametrize(("text", "code"), FOUND)
def test_found(text: str, code: str) -> None:
    assert languages.find(text) == code


@pytest.mark.parametrize("text", UNKNOWN)
def test_unknown(text: str) -> None:
    assert languages.find(text) is None


def test_the_table_is_whispers() -> None:
    assert len(languages.LANGUAGES) == 100
    assert list(languages.LANGUAGES)[:3] == ["en", "zh", "de"]
    assert list(languages.LANGUAGES)[-1] == "yue"


@pytest.mark.parametrize(("code", "name"), languages.LANGUAGES.items())
def test_every_code_and_name_is_found(code: str, name: str) -> None:
    assert languages.find(code) == languages.find(name) == code


def test_aliases_lead_to_codes_and_hide_none() -> None:
    assert set(languages.ALIASES.values()) <= set(languages.LANGUAGES)
    assert not set(languages.ALIASES) & set(languages.LANGUAGES)
