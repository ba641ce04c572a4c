"""VoiceMode's settings: read as VoiceMode does, changed no more than is needed, and put back."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicemode_whisper.core import voicemode_env
from voicemode_whisper.core.voicemode_env import (
    BEFORE,
    STT,
    assignments,
    in_bytes,
    is_pointed,
    point,
    put_together,
    reading,
    restore,
    without_secrets,
)

URL, OLD = "http://127.0.0.1:2023/v1", "http://127.0.0.1:2024/v1"
CLOUD = "https://api.openai.com/v1"
SET = f"{STT}={URL}\n"
# What the real load_voicemode_env made of texts; tests/clients/test_voicemode_env.py renews it.
RECORDED = json.loads((Path(__file__).parent / "voicemode_env.json").read_text())
WORDS = (
    STT, f"export {STT}", "K", "=", '"', "'", "\n", "\r\n", "\r", " ", "\t", "#", "\ufeff",
    "\u00a0", "\u2028", "\x0c", "\x1c", "é", ",", URL, CLOUD,
    f"{STT}={CLOUD}\n", f"{STT} = '{CLOUD}'\r\n",
    f"{BEFORE}{STT}={CLOUD}\n", "http://localhost:2022/v1",
)  # fmt: skip
texts = st.lists(st.sampled_from(WORDS), max_size=20).map("".join)


def pointed(text: str, url: str = URL, *own: str) -> str:
    return put_together(text, point(text, url, {url, *own}))


def restored(text: str, *own: str) -> str:
    return put_together(text, restore(text, {URL, *own}))


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: repr(case["text"]))
def test_it_is_read_as_voicemode_does(case: dict[str, str | None]):
    text = str(case["text"])
    found = reading(text, STT)
    assert (found and found.value) == case["value"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", SET),
        ("A=1\n", f"A=1\n{SET}"),
        ("A=1", f"A=1\n{SET}"),
        ("A=1\r\n", f"A=1\r\n{STT}={URL}\r\n"),
        (f"# {STT}={CLOUD}\n", f"# {STT}={CLOUD}\n{SET}"),
        (f"{STT.lower()}={CLOUD}\n", f"{STT.lower()}={CLOUD}\n{SET}"),
        (f"\ufeff{STT}={CLOUD}\n", f"\ufeff{STT}={CLOUD}\n{SET}"),
        # Whatever follows an open quote is not read.
        ('A=1\nB="2" # b\nC=3\n', f'A=1\n{SET}B="2" # b\nC=3\n'),
    ],
)
def test_a_line_is_added_where_voicemode_reads_it(before: str, after: str):
    assert pointed(before) == after
    assert is_pointed(after, URL)
    assert restored(after).rstrip("\n") == before.rstrip("\n")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (f"{STT}={CLOUD}", URL),
        (f"{STT} = {CLOUD}  ", URL),
        (f"\t{STT}\t=\t{CLOUD}", URL),
        (f"{STT}='{CLOUD}'", URL),
        (f'{STT} = "{CLOUD}"', URL),
        (f"{STT}=", URL),
        (f'{STT}=""', URL),
        (f"{STT}=http://127.0.0.1:8000/v1", URL),
        # What is kept behind a server on this machine stays behind the proxy.
        (f"{STT}=http://127.0.0.1:2022/v1,{CLOUD}", f"{URL},{CLOUD}"),
        (f"{STT}='http://localhost:2022/v1 , {URL} , {CLOUD}'", f"{URL}, {CLOUD}"),
        (f"{STT}={CLOUD},{URL}", URL),
        (f"{STT}=http://127.0.0.1:2022/v1 # mine, local", URL),
        (f"{STT}=http://[::1/v1,{CLOUD}", URL),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_line_is_changed_in_its_place_and_form_and_comes_back(line: str, value: str, ending: str):
    before = f"A=1{ending}{line}{ending}# é{ending}B='2'{ending}"
    after = pointed(before)
    first, comment, changed, *rest = after.split(ending)
    assert (first, comment, rest) == ("A=1", f"{BEFORE}{line}", ["# é", "B='2'", ""])
    assert changed.partition("=")[0] == line.partition("=")[0]
    assert "".join(reading(after, STT).value.split()) == "".join(value.split())
    assert pointed(after) == after
    assert restored(after) == before


@pytest.mark.parametrize(
    "line",
    [
        SET,
        f"{STT}={URL},{CLOUD}\n",
        f" {STT} = ' {URL}/ , {CLOUD}'\r\n",
        f"{STT}=HTTP://LocalHost:2023/v1\n",
        f'{STT}="\n{URL},\n{CLOUD}"\n',
    ],
)
def test_what_asks_the_proxy_first_is_left_alone(line: str):
    assert pointed(line) == line


def test_the_same_variable_twice_or_exported_says_the_same_each_time():
    """`voicemode config set` takes the last line, and a shell reads what is exported."""
    before = f"export {STT}={CLOUD}\n{STT}=https://a.example\nA=1\n{STT}=https://b.example\n"
    after = pointed(before)
    assert [found.value for found in assignments(after)] == [URL, URL, "1", URL]
    assert restored(after) == before


def test_a_value_that_was_not_closed_sets_free_what_it_swallowed():
    before = f'{STT}="{CLOUD}" # cloud\nOPENAI_API_KEY=sk\n{STT}={CLOUD}\n'
    after = pointed(before)
    assert after.count("OPENAI_API_KEY=sk\n") == 1
    assert is_pointed(after, URL)
    assert restored(after) == before


def test_another_port_keeps_what_was_there_first():
    before = f"{STT}={CLOUD}\n"
    moved = pointed(pointed(before, OLD), URL, OLD)
    assert moved == f"{BEFORE}{STT}={CLOUD}\n{STT}={URL}\n"
    assert restored(moved, OLD) == before
    assert pointed(f"{STT}={OLD}\n", URL, OLD) == SET
    assert pointed(f"{STT}={OLD},{CLOUD}\n", URL, OLD) == f"{STT}={URL},{CLOUD}\n"
    assert pointed(f"{STT}=http://10.0.0.9:2023/v1,{CLOUD}\n", URL, "http://10.0.0.9:2023/v1") == (
        f"{STT}={URL},{CLOUD}\n"
    )


def test_the_line_for_listen_that_earlier_versions_wrote_is_removed():
    listen = "VOICEMODE_LISTEN_STT_URL"
    assert pointed(f"{SET}{listen}={URL}\n") == SET
    assert pointed(f"{SET}{listen}=http://gpu.lan/v1\n") == f"{SET}{listen}=http://gpu.lan/v1\n"
    assert restored(f"A=1\n{SET}{listen}={URL}\n") == "A=1\n"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (
            f"{BEFORE}{STT}={CLOUD}\n{STT}=https://mine.example/v1\n",
            f"{STT}=https://mine.example/v1\n",
        ),
        (f"{BEFORE}{STT}={CLOUD}\nA=1\n", "A=1\n"),
        (f"{STT}={URL},{CLOUD}\n", f"{STT}={URL},{CLOUD}\n"),
        (f"{STT}='{URL}'\n", f"{STT}='{URL}'\n"),
        (f"{BEFORE}{STT}={CLOUD}\n{STT}={URL},https://new.example\n", f"{STT}={CLOUD}\n"),
        (f"# {SET}{SET}", f"# {SET}"),
    ],
)
def test_what_the_user_changed_since_then_stays(text: str, after: str):
    assert restored(text) == after


@given(texts)
def test_any_text_is_pointed_once_and_comes_back(text: str):
    after = pointed(text)
    assert is_pointed(after, URL)
    assert pointed(after) == after
    if BEFORE not in text and f"{STT}={URL}" not in text:
        assert restored(after).rstrip("\r\n") == text.rstrip("\r\n")


@given(texts)
def test_every_other_line_is_as_it_was(text: str):
    after = pointed(text).splitlines(keepends=True)
    others = [line for line in text.splitlines(keepends=True) if STT not in line]
    assert [line for line in others if line.rstrip("\r\n") not in "".join(after)] == []


@given(texts)
def test_what_is_hidden_on_the_host_changes_nothing(text: str):
    """env-file.sh has an x for each character of other lines, which edit-file.sh copies."""
    parts = point(text, URL, {URL})
    data = text.encode()
    made = b"".join(
        part[1:].encode() if part.startswith("=") else data[slice(*map(int, part.split("-")))]
        for part in in_bytes(text, parts)
    )
    assert made.decode() == put_together(text, parts)


def test_no_password_is_shown():
    value = "https://me:secret@stt.example/v1?api-key=secret,http://b/v1"
    assert without_secrets(value) == "https://stt.example/v1?…,http://b/v1"


def test_a_comment_is_none_that_voicemode_makes_a_line_of():
    """configuration_management.py: ^#\\s*([A-Z][A-Z0-9_]*)= is a setting to it."""
    assert voicemode_env.BEFORE.lstrip("# ")[0].islower()
