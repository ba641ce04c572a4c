import pytest
from whisper_proxy.errors import ApiError
from whisper_proxy.vad import DEFAULT, Vad, parse

FIELD = "chunking_strategy"


def parsed(text: str = "", **numbers: str) -> Vad:
    """Return what the field asks for, with `threshold="0.4"` as `chunking_strategy[threshold]`."""
    numbered = {f"{FIELD}[{name}]": [value] for name, value in numbers.items()}
    return parse({FIELD: [text], "model": ["whisper-1"], **numbered})


@pytest.mark.parametrize(
    "text", ["", "auto", "server_vad", '"auto"', "null", "{}", '{"type":"auto"}', '{"unheard":1}']
)
def test_defaults(text: str) -> None:
    assert parsed(text) == DEFAULT


def test_without_the_field() -> None:
    assert parse({}) == DEFAULT


def test_an_object_as_json() -> None:
    text = """{"type": "server_vad", "threshold": 0.25, "prefix_padding_ms": 200.4,
        "silence_duration_ms": 400}"""
    assert parsed(text) == Vad(threshold=0.25, padding_ms=200, silence_ms=400)


def test_an_object_as_fields_of_its_own() -> None:
    numbers = {"threshold": "0.25", "prefix_padding_ms": "200", "silence_duration_ms": "400"}
    expected = Vad(threshold=0.25, padding_ms=200, silence_ms=400)
    assert parsed(type="server_vad", **numbers) == expected
    assert parsed("server_vad", **numbers) == expected


@pytest.mark.parametrize(
    ("text", "vad"),
    [
        ('{"threshold": 0}', Vad(threshold=0)),
        ('{"threshold": 1}', Vad(threshold=1)),
        ('{"threshold": null, "prefix_padding_ms": ""}', DEFAULT),
        ('{"prefix_padding_ms": 0, "silence_duration_ms": 0}', Vad(padding_ms=0, silence_ms=0)),
    ],
)
def test_limits(text: str, vad: Vad) -> None:
    assert parsed(text) == vad


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine", "auto, server_vad"),
        ("5", "auto, server_vad"),
        ("[]", "auto, server_vad"),
        ("[" * 100_000, "auto, server_vad"),
        ('{"type": ["auto"]}', "auto, server_vad"),
        ('{"type": {}, "x": "' + "x" * 9000 + '"}', "auto, server_vad"),
        ('{"threshold": 1.1}', "threshold]` is '1.1', but must be from 0 to 1"),
        ('{"threshold": -0.1}', "from 0 to 1"),
        ('{"threshold": NaN}', "from 0 to 1"),
        ('{"threshold": "loud"}', "from 0 to 1"),
        ('{"threshold": {}}', "from 0 to 1"),
        ('{"prefix_padding_ms": 10001}', "prefix_padding_ms]` is '10001', but must be from 0 to"),
        ('{"silence_duration_ms": Infinity}', "from 0 to 10000"),
        ('{"silence_duration_ms": ' + "9" * 4000 + "}", "from 0 to 10000"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ApiError) as caught:
        parsed(text)
    assert (caught.value.status, caught.value.param) == (400, FIELD)
    assert message in caught.value.message
    assert len(caught.value.message) < 200
