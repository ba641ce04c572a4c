# ruff: noqa: RUF001 - wide brackets and stops are meant
import pytest
from whisper_proxy.annotations import BLANK, blank


def said(*texts: str) -> str:
    return "".join(blank(texts)).replace(BLANK, "")


ALONE = [
    "[BLANK_AUDIO]",
    "[ BLANK_AUDIO ]",
    "[[BLANK_AUDIO]]",
    "[Music]",
    "[MUSIC PLAYING]",
    "[music]",
    "(static)",
    "(upbeat music)",
    "(door slams)",
    "(birds chirping)",
    "*sighs*",
    "* Musik *",
    "**laughs**",
    "♪",
    "♪♪♪",
    "♪ ♪",
    "🎵",
    "🎵🎶🎵",
    "♪ … ♪",
    "♪ la la la ♪",
    "♪ I will always love you ♪",
    "[_TT_150]",
    "[_BEG_]",
    "[_extra_token_50257]",
    "<|nospeech|>",
    "<|endoftext|>",
    "【音楽】",
    "（拍手）",
    "（笑）",
    "(笑)",
    "［掌声］",
    "〔音樂〕",
    "(음악)",
    "[Музыка]",
    "(музыка)",
    "[Música]",
    "(Applaus)",
    "[inaudible]",
    "[INAUDIBLE]",
    "[ __ ]",
    "[__]",
    "{noise}",
    "<laughs>",
    "((laughs))",
    "-(chuckles)",
    "- [Music]",
    "[Music].",
    "(Laughter.)",
    "[Speaking in foreign language.]",
    "(speaking Spanish)",
    "[no audio]",
    "(silence)",
    "[Applause]",
    ">>",
    ">> >>",
    ">> [Music]",
    ">>> (sighs)",
    "[Music] [Applause]",
    "(beeping) *sighs* ♪",
    "[BLANK_AUDIO",
    "(upbeat music",
    "[BLANK_AUDIO] [BLANK_AUDIO]",
    "(phone ringing)",
    "(clears throat)",
    "(plastic crinkling)",
    "(speaking foreign language)",
    "(keyboard clicking)",
    "[VIDEO PLAYBACK]",
    "♪♪ [Music] ♪♪",
    "[ Silence ]",
]


@pytest.mark.parametrize("text", ALONE)
def test_what_is_heard_is_not_said(text: str) -> None:
    assert said(f" {text}") == said(text) == ""
    assert said(" Hello there.", f" {text}", " Goodbye.") == " Hello there. Goodbye."


@pytest.mark.parametrize("text", ["...", ".", " - ", "…", "?!", "- -", ""])
def test_punctuation_alone_is_not_said(text: str) -> None:
    assert said(f" {text}") == ""


SPOKEN = [
    "(555) 123-4567",
    "Call (555) 123-4567 now.",
    "Call (030) 12 34.",
    "f(x) is g(x).",
    "a[i] and b[j]",
    "The person(s) in charge.",
    "He said they was [sic] going.",
    "He said (and I quote) that it works.",
    "(and I quote) he left.",
    "The World Health Organization (WHO) said so.",
    "Two * three * four.",
    "2 * 3 * 4 is 24.",
    "2*3*4",
    "What the f*** is this s***",
    "What the **** is **** going on",
    "x < y and z > w",
    "if a << b >> c",
    "[1] is the first.",
    "(1) one, (2) two.",
    "C♯ minor",
    "A & B",
    "“Ask not”",
    "He (my brother) came, (my sister) too.",
    "It costs [x] dollars.",
    "array[index_of]",
    "(It was raining, and they all went home.) So it ended.",
    "「こんにちは」と言った。",
    "《红楼梦》很好。",
    "今天（星期一）很好",
    "the president [of France] spoke.",
    "4 > 3 >> 2",
    "(re)build it",
    "I told him (the other day) about it.",
    "Is it (b) or (c)?",
    "the [1st] of May",
    "Wait... what?",
    "It works (mostly).",
    "$5",
    "Und (wie gesagt) geht es.",
]


@pytest.mark.parametrize("text", SPOKEN)
def test_brackets_in_what_is_said_stay(text: str) -> None:
    assert said(f" {text}") == f" {text}"


BESIDE = [
    (" [BLANK_AUDIO] And so it is.", " And so it is."),
    (" And so it is. [BLANK_AUDIO]", " And so it is."),
    (" And so it is.[BLANK_AUDIO]", " And so it is."),
    (" And so [BLANK_AUDIO] it is.", " And so it is."),
    (" And so[BLANK_AUDIO] it is.", " And so it is."),
    (" [Music]Hello.", " Hello."),
    (" 그는 [한숨] 갔다", " 그는 갔다"),
    (" It was [coughs] great, [Bell rings] wasn't it?", " It was great, wasn't it?"),
    (" Yeah, I (laughing) know.", " Yeah, I know."),
    (" *sighs* I think so.", " I think so."),
    (" I think *sighs* so.", " I think so."),
    (" (laughs) and then he left.", " and then he left."),
    (" He said (laughs), and left.", " He said, and left."),
    (" He left (laughs).", " He left."),
    (" He left. (Laughs.)", " He left."),
    (" Testing [blank_audio] (plastic crinkling) (crunching) (grunts)", " Testing"),
    (" Hello there. (door slams) What was that?", " Hello there. What was that?"),
    (" >> Yes. >> No.", " Yes. No."),
    (" ♪ Hello", " Hello"),
    (" Hello ♪♪", " Hello"),
    (" Hello. ♪ la la ♪ Goodbye.", " Hello. Goodbye."),
    ("今日は（笑）楽しかった", "今日は楽しかった"),
    ("【字幕】你好", "你好"),
    (" Hello. (clapping) [Applause] Thank you.", " Hello. Thank you."),
    (" What the [ __ ] is this?", " What the is this?"),
    (" Bonjour. (musique douce) Merci.", " Bonjour. Merci."),
    (" Call (555) 123-4567. [Music]", " Call (555) 123-4567."),
]


@pytest.mark.parametrize(("text", "left"), BESIDE)
def test_what_is_said_beside_it_stays(text: str, left: str) -> None:
    assert said(text) == left


@pytest.mark.parametrize(
    ("texts", "left"),
    [
        ((" Hello. [BLANK_", "AUDIO] Goodbye."), [" Hello.", " Goodbye."]),
        ((" [BLANK", "_AUDIO", "]"), ["", "", ""]),
        ((" Hello (upbeat", " music)", " Goodbye."), [" Hello", "", " Goodbye."]),
        ((" ♪♪", " Welcome to the show.", " ♪♪"), ["", " Welcome to the show.", ""]),
        ((" your coun", "try (laughs)", " can."), [" your coun", "try", " can."]),
        ((" So (and", " I mean it) go."), [" So (and", " I mean it) go."]),
        ((" Yes", "!"), [" Yes", "!"]),
        ((), []),
    ],
)
def test_annotations_go_over_the_borders_of_segments(
    texts: tuple[str, ...], left: list[str]
) -> None:
    result = blank(texts)
    assert [text.replace(BLANK, "") for text in result] == left
    assert list(map(len, result)) == list(map(len, texts))


@pytest.mark.parametrize(
    "text", ["(", "[(", "*", "♪ a", "(a ", "[a](", "<a", "> ", ">> ", "(laughs) ", "\0"]
)
def test_no_text_takes_long(text: str) -> None:
    assert len(blank([text * 20_000])[0]) == len(text) * 20_000
