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
    ("zh-yue", "yue"),
    ("zh-yue-HK", "yue"),
    ("zh-Hant-TW", "zh"),
    ("cmn-Hans", "zh"),
    ("de-AT-1996", "de"),
    ("pt_BR.UTF-8", "pt"),
    ("de_DE@euro", "de"),
    ("iw", "he"),
    ("iw_IL", "he"),
    ("in", "id"),
    ("ji", "yi"),
    ("mo", "ro"),
    ("sh", "sr"),
    ("jw", "jw"),
    ("no", "no"),
    ("nb", "no"),
    ("nn", "nn"),
    ("no-NYN", "nn"),
    ("deu", "de"),
    ("ger", "de"),
    ("fra", "fr"),
    ("fre-CA", "fr"),
    ("arb", "ar"),
    ("swh", "sw"),
    ("fil", "tl"),
    ("Farsi", "fa"),
    ("Norwegian Bokmål", "no"),
    ("haitian-creole", "ht"),
    ("Chinese (Simplified)", "zh"),
    ("Simplified Chinese", "zh"),
    ("Spanish (Mexico)", "es"),
    ("und", "auto"),
    ("mul", "auto"),
    ("auto", "auto"),
    ("AUTO", "auto"),
    ("", "auto"),
    ("  ", "auto"),
]
UNKNOWN = [
    "xx",
    "klingon",
    "e",
    "-",
    "en US",
    "auto-US",
    "english please",
    "\0",
    "C.UTF-8",
    "en,de",
    "a-" * 9000,
]


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
    assert set(languages.ALIASES.values()) <= {*languages.LANGUAGES, languages.AUTO}
    assert not set(languages.ALIASES) & set(languages.LANGUAGES)


def test_every_language_has_its_code_of_three_letters() -> None:
    coded = {code for other, code in languages.ALIASES.items() if len(other) == 3}
    assert coded >= set(languages.LANGUAGES) - {"haw", "yue"}
