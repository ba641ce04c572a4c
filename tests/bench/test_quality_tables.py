"""Of what was heard; the scores are jiwer's, which requirements/quality.lock has."""

import pytest
from whisper_proxy.audio import wav_bytes
from whisper_proxy.words import Word

from bench.quality.measure import Encoded, Measured, Noise, Speech
from bench.quality.servers import Heard
from bench.quality.speech import READ, RECORDED, Recording
from bench.quality.tables import formats, models, problems
from tests.clients import installed

pytestmark = pytest.mark.slow

WAV = wav_bytes(bytes(2 * 16000 * 10))
SPOKEN = Recording("spoken", RECORDED, WAV, "Ask not what your country can do.")
SPELLED = Recording("spelled", READ, WAV, "Two blue fish swam.", (0.0, 0.5, None, 1.0))
WORDS = [Word("Two", 0.1, 0.4), Word("blue", 0.5, 0.8), Word("swam.", 1.3, 1.5)]


@pytest.fixture(autouse=True, scope="module")
def _quality():
    installed.importable("quality")


def measured(proxied: str = "Ask not what a country can do.", noise: str = "") -> Measured:
    """What was heard: straight a word of seven is wrong, and without VAD there is one too many."""
    heard = Heard("ask not what a country can do", 2.0)
    spoken = Speech(
        SPOKEN, heard, Heard("ask not what a country can do you", 1), Heard(proxied, 3), []
    )
    right = Heard("Two blue fish swam.", 2.0)
    spelled = Speech(SPELLED, right, right, right, WORDS)
    noises = [Noise("rain", True, "[Music] Thank you.", noise), Noise("hum", False, "(hum)", "")]
    encoded = [
        Encoded("FLAC", SPOKEN, True, heard.text, heard.text),
        Encoded("MP3", SPOKEN, False, heard.text, proxied),
    ]
    return Measured("tiny.en", [spoken, spelled], noises, encoded)


def rows(table: str) -> dict[str, list[str]]:
    lines = ([cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines())
    return {name: cells for name, *cells in lines}


def test_a_model_has_its_figures():
    found = rows(models([measured()]))
    assert (
        found["WER, recorded, straight"] == found["WER, recorded, through the proxy"] == ["14.3 %"]
    )
    assert found["WER, recorded, straight, without VAD"] == ["28.6 %"]
    assert found["WER, eSpeak NG, straight"] == ["0.0 %"]
    assert found["words that the proxy costs"] == ["0"]
    assert found["real-time factor, straight"] == ["0.20"]
    assert found["real-time factor, through the proxy"] == ["0.25"]
    assert found["start of a word, median error"] == ["100 ms"]
    assert found["words where nobody speaks, through the proxy"] == ["0"]
    assert found["the same, straight, without VAD"] == ["2"]


def test_formats_are_told_by_whether_they_keep_every_sample():
    found = rows(formats(measured(proxied="Ask what a country can do.")))
    assert found["lossless"] == ["1", "14.3 %", "14.3 %", "0"]
    assert found["lossy"] == ["1", "14.3 %", "28.6 %", "1"]


def test_where_no_word_is_lost_there_is_no_problem():
    assert list(problems(measured())) == []


def test_a_word_that_the_proxy_costs_is_a_problem_in_every_format():
    told = list(problems(measured(proxied="Ask not what a country can.")))
    assert [one.partition(": ")[0] for one in told] == [
        "tiny.en, spoken",
        "tiny.en, spoken in MP3",
    ]


def test_so_is_what_is_heard_where_nobody_speaks():
    told = list(problems(measured(noise="Thank you.")))
    assert told == ["tiny.en, rain, quieter: the proxy heard 'Thank you.'"]
