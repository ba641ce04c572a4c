import pytest
from whisper_proxy.prompt import MAX_BYTES, prompt

LONG = {
    "words": "Hello world. " * 5000,
    "one word": "a" * 64 * 1024,
    "digits": "1" * 64 * 1024,
    "marks": "!" * 64 * 1024,
    "chinese": "我们今天讨论的是一个关于语音识别的项目" * 1000,
    "emoji": "👩‍👩‍👧‍👦" * 3000,
    "accents": "a" + "\N{COMBINING ACUTE ACCENT}" * 30_000,
    "lines": "a\n" * 30_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_of_a_long_prompt_the_end_is_kept(text: str) -> None:
    kept = prompt([], text)
    assert MAX_BYTES - 4 < len(kept.encode()) <= MAX_BYTES
    assert text.rstrip().endswith(kept)


def test_long_keywords_are_cut_too() -> None:
    assert len(prompt(["a" * 9000, "b" * 9000], "").encode()) == MAX_BYTES


def test_a_character_at_the_cut_is_dropped_whole() -> None:
    assert prompt([], "é" + "a" * (MAX_BYTES - 1)) == "a" * (MAX_BYTES - 1)


@pytest.mark.parametrize("characters", [200, 400, 600])
def test_what_whisper_can_read_is_sent_whole(characters: int) -> None:
    text = ("语音识别" * 200)[:characters]
    assert prompt([], text) == text


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Grüß Gott", "Grüß Gott"),
        ("  a \t  b\u3000c  ", "a b c"),
        ("a\n\n\r\n  \nb", "a\nb"),
        ("\0a\0\0b\x1b[31m\x7f", "a b [31m"),
        (" " * 9000, ""),
        ("\0", ""),
        ("<|endoftext|> [_BEG_]", "<|endoftext|> [_BEG_]"),  # whisper.cpp reads them as text
    ],
)
def test_white_space_and_control_characters_are_one_space(text: str, result: str) -> None:
    assert prompt([], text) == result


@pytest.mark.parametrize(
    ("keywords", "text", "result"),
    [
        (["ROCm", "", "pyinfra"], "", "ROCm, pyinfra"),
        (["ROCm\n"], "Hello.", "ROCm\nHello."),
        ([" "], "Hello.", "Hello."),
    ],
)
def test_keywords_come_first(keywords: list[str], text: str, result: str) -> None:
    assert prompt(keywords, text) == result
