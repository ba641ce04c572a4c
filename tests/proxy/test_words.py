import pytest
from whisper_proxy.transcript import Piece, Segment, Transcript
from whisper_proxy.words import Word, words

from .recorded import recorded_transcript


def segment(*texts: str, text: str | None = None) -> Segment:
    """Return a segment with a token a second."""
    pieces = [Piece(one, float(at), at + 0.9) for at, one in enumerate(texts)]
    return Segment("".join(texts) if text is None else text, pieces=tuple(pieces))


def spoken(*segments: Segment, language: str = "english") -> list[str]:
    return [word.word for word in words(Transcript(segments, language))]


@pytest.mark.parametrize("name", ["v1.9.1-speech", "v1.9.1-quotes", "v1.7.5-speech"])
def test_real_words_are_those_of_the_text(name: str) -> None:
    transcript = recorded_transcript(name)
    assert [word.word for word in words(transcript)] == transcript.text.split()


@pytest.mark.parametrize("name", ["v1.9.1-speech", "v1.9.1-quotes", "v1.7.5-speech"])
def test_real_words_are_in_order(name: str) -> None:
    result = words(recorded_transcript(name))
    times = [time for word in result for time in (word.start, word.end)]
    assert times == sorted(times)


def test_real_words_have_their_times() -> None:
    result = words(recorded_transcript("v1.9.1-speech"))
    assert result[:3] == [Word("And", 0.32, 0.4), Word("so", 0.4, 0.52), Word("my", 0.69, 0.94)]
    assert result[-1] == Word("country.", 10.1, 11.0)


def test_accents_and_punctuation_stay_in_their_word() -> None:
    spelled = [word.word for word in words(recorded_transcript("v1.9.1-quotes"))]
    assert spelled[:7] == ["And", "so,", "my", "fellow", "Américas…", "“Ask", "nöt…”"]


def test_a_word_lasts_from_its_first_token_to_its_last() -> None:
    one = segment(" Am", "é", "ric", "as", "…", " ask")
    assert words(Transcript((one,), "english")) == [
        Word("Américas…", 0.0, 4.9),
        Word("ask", 5.0, 5.9),
    ]


def test_a_word_may_go_over_the_border_of_segments() -> None:
    assert spoken(segment(" your", " coun"), segment("try", " can")) == ["your", "country", "can"]


def test_a_space_may_be_a_token() -> None:
    assert spoken(segment(" ", "Hello", " ", " you")) == ["Hello", "you"]


@pytest.mark.parametrize("texts", [(), ("",), (" ",)])
def test_nothing_is_no_word(texts: tuple[str, ...]) -> None:
    assert spoken(segment(*texts)) == []


def test_times_are_never_before_the_beginning_nor_backwards() -> None:
    pieces = (Piece(" a", -0.01, -0.01), Piece(" b", 2.0, 1.0))
    assert words(Transcript((Segment(" a b", pieces=pieces),))) == [
        Word("a", 0.0, 0.0),
        Word("b", 2.0, 2.0),
    ]


@pytest.mark.parametrize(
    ("pieces", "text", "result"),
    [
        ([" fell", "\ufffd", "\ufffd", "w", " you"], " fellöw you", ["fellöw", "you"]),
        ([" \ufffd", "\ufffd", " la"], " ♪ la", ["♪", "la"]),
        ([" la", " \ufffd", "\ufffd"], " la 🎵", ["la", "🎵"]),
        (["\ufffd", "\ufffd", "a", "\ufffd", "\ufffd"], "éaü", ["éaü"]),
    ],
)
def test_split_characters_are_fixed(pieces: list[str], text: str, result: list[str]) -> None:
    # As v1.7 cuts them: one token has the first bytes of a character, the next one the others.
    assert spoken(segment(*pieces, text=text)) == result


@pytest.mark.parametrize(
    ("language", "pieces", "result"),
    [
        ("chinese", ["你", "好", "、", "世界", "。"], ["你", "好、", "世界。"]),
        ("chinese", ["他", "说", "「", "好", "」", "。"], ["他", "说", "「好」。"]),
        ("japanese", ["今日", "は", " ", "Open", "AI", "です"], ["今日", "は", "OpenAI", "です"]),
        ("thai", ["ส", "วั", "ส", "ดี", "\u0e31"], ["ส", "วั", "ส", "ดี\u0e31"]),
        ("chinese", ["你", "\ufffd", "\ufffd", "世"], ["你", "好", "世"]),
    ],
)
def test_where_no_spaces_are_written_a_token_is_a_word(
    language: str, pieces: list[str], result: list[str]
) -> None:
    text = "".join(pieces).replace("\ufffd\ufffd", "好")
    assert spoken(segment(*pieces, text=text), language=language) == result
