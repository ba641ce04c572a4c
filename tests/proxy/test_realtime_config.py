"""Session objects: what counts, and what is refused by name."""

from typing import Any

import pytest
from whisper_proxy.errors import ApiError
from whisper_proxy.pcm import Format
from whisper_proxy.realtime_config import (
    Config,
    beta_session_object,
    from_beta,
    session_object,
    updated,
)
from whisper_proxy.turns import TurnDetection

LOGPROBS = "item.input_audio_transcription.logprobs"


def sound(**fields: Any) -> dict[str, Any]:
    return {"type": "transcription", "audio": {"input": fields}}


def failure(session: object) -> ApiError:
    with pytest.raises(ApiError) as caught:
        updated(Config(), session)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    "session", [{}, sound(), {"audio": None}, {"audio": {"input": None}}, {"voice": "ash"}]
)
def test_what_is_not_mentioned_stays(session: object) -> None:
    before = updated(Config(), sound(transcription={"language": "en"}, turn_detection=None))
    assert updated(before, session) == before


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "audio/pcm", "rate": 24000}, Format()),
        ({"type": "audio/pcm"}, Format()),
        ({"type": "audio/pcm", "rate": 16000}, Format("audio/pcm", 16000)),
        ({"type": "audio/pcmu"}, Format("audio/pcmu", 8000)),
        ({"type": "audio/pcma"}, Format("audio/pcma", 8000)),
    ],
)
def test_formats(given: dict[str, Any], expected: Format) -> None:
    assert updated(Config(), sound(format=given)).format == expected


def test_turn_detection() -> None:
    given = {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 200}
    config = updated(Config(), sound(turn_detection=given))
    assert config.turn_detection == TurnDetection(0.5, 300, 200)
    again = updated(config, sound(turn_detection={"type": "server_vad", "prefix_padding_ms": 0}))
    assert again.turn_detection == TurnDetection(0.5, 0, 200)
    assert updated(config, sound(turn_detection=None)).turn_detection is None


def test_transcription_becomes_the_fields_of_a_form() -> None:
    said = {
        "model": "gpt-transcribe",
        "language": "de",
        "prompt": "Grüße",
        "keywords": ["Kennedy"],
        "languages": ["de", "en"],
        "delay": "low",
    }
    config = updated(Config(), sound(transcription=said) | {"include": [LOGPROBS]})
    assert config.form == {
        "model": ["gpt-transcribe"],
        "language": ["de"],
        "prompt": ["Grüße"],
        "keywords[]": ["Kennedy"],
        "languages[]": ["de", "en"],
        "include[]": ["logprobs"],
    }


def test_null_takes_a_field_away() -> None:
    config = updated(Config(), sound(transcription={"language": "en", "model": "whisper-1"}))
    assert updated(config, sound(transcription={"language": None})).form == {"model": ["whisper-1"]}


def test_halves_of_pairs_are_left_out() -> None:
    config = updated(Config(), sound(transcription={"prompt": "a\ud800b", "keywords": ["\udfff"]}))
    assert config.transcription == {"prompt": "ab", "keywords": [""]}


INPUT = "session.audio.input"
REFUSED = [
    ("nothing", "session"),
    ({"type": "realtime"}, "session.type"),
    ({"type": 1}, "session.type"),
    ({"audio": []}, "session.audio"),
    ({"audio": {"input": 1}}, INPUT),
    (sound(format="pcm16"), f"{INPUT}.format"),
    (sound(format={"type": "audio/opus"}), f"{INPUT}.format.type"),
    (sound(format={"type": ["audio/pcm"]}), f"{INPUT}.format.type"),
    (sound(format={"type": "audio/pcm", "rate": 44100}), f"{INPUT}.format.rate"),
    (sound(format={"type": "audio/pcm", "rate": "24000"}), f"{INPUT}.format.rate"),
    (sound(transcription=None), f"{INPUT}.transcription"),
    (sound(transcription={"language": 1}), f"{INPUT}.transcription.language"),
    (sound(transcription={"prompt": "x" * 16385}), f"{INPUT}.transcription.prompt"),
    (sound(transcription={"keywords": "x"}), f"{INPUT}.transcription.keywords"),
    (sound(transcription={"keywords": [1]}), f"{INPUT}.transcription.keywords"),
    (sound(transcription={"keywords": ["x"] * 257}), f"{INPUT}.transcription.keywords"),
    (sound(turn_detection="server_vad"), f"{INPUT}.turn_detection"),
    (sound(turn_detection={"type": "semantic_vad"}), f"{INPUT}.turn_detection.type"),
    (sound(turn_detection={"threshold": 1.5}), f"{INPUT}.turn_detection.threshold"),
    (sound(turn_detection={"threshold": "x"}), f"{INPUT}.turn_detection.threshold"),
    (sound(turn_detection={"threshold": True}), f"{INPUT}.turn_detection.threshold"),
    (sound(turn_detection={"threshold": float("nan")}), f"{INPUT}.turn_detection.threshold"),
    (
        sound(turn_detection={"silence_duration_ms": -1}),
        f"{INPUT}.turn_detection.silence_duration_ms",
    ),
    (
        sound(turn_detection={"prefix_padding_ms": 1e9}),
        f"{INPUT}.turn_detection.prefix_padding_ms",
    ),
    ({"include": LOGPROBS}, "session.include"),
    ({"include": ["everything"]}, "session.include"),
]


@pytest.mark.parametrize(("session", "param"), REFUSED)
def test_what_cannot_be_is_refused_by_its_name(session: object, param: str) -> None:
    error = failure(session)
    assert error.param == param
    assert f"`{param}`" in error.message


def test_what_is_in_effect_is_shown() -> None:
    config = updated(Config(), sound(format={"type": "audio/pcmu"}, transcription={"model": "x"}))
    assert session_object(config, "sess_1") == {
        "type": "transcription",
        "object": "realtime.transcription_session",
        "id": "sess_1",
        "audio": {
            "input": {
                "format": {"type": "audio/pcmu"},
                "transcription": {"model": "x"},
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.3,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                },
            }
        },
        "include": None,
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [("pcm16", "audio/pcm"), ("g711_ulaw", "audio/pcmu"), ("g711_alaw", "audio/pcma")],
)
def test_the_beta_s_sessions(name: str, kind: str) -> None:
    given = {
        "input_audio_format": name,
        "input_audio_transcription": {"model": "whisper-1"},
        "turn_detection": None,
        "include": [LOGPROBS],
    }
    config = updated(Config(), from_beta(given))
    assert config.format.kind == kind
    assert config.form == {"model": ["whisper-1"], "include[]": ["logprobs"]}
    shown = beta_session_object(config, "sess_1")
    assert given.items() <= shown.items()


@pytest.mark.parametrize("name", ["mp3", ["pcm16"], None])
def test_the_beta_s_formats_are_refused_by_their_name(name: object) -> None:
    with pytest.raises(ApiError) as caught:
        from_beta({"input_audio_format": name})
    assert caught.value.param == "session.input_audio_format"
