"""The page as its users have it. Words are a fake's; tests/machines/test_page.py has real ones."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.proxy import processes
from tests.proxy.fake_whisper import FAILED
from tests.proxy.processes import Proxy

from . import browser as browsers
from .browser import SIZES, opened, severe, texts
from .conftest import ELSEWHERE
from .whisper import Whisper, answer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow

TEXT = "Ask not what your country can do <b>for</b> you."
WORDS = TEXT.split()


def wait(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until something is so; AssertionError if it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def visible(page: "Page", text: str) -> None:
    """Wait until a text can be seen."""
    page.get_by_text(text).filter(visible=True).first.wait_for()


def transcribed(page: "Page", recording: Path) -> None:
    """Choose a file, and wait for its transcript."""
    page.set_input_files("#file", recording)
    page.locator("#transcript .word").first.wait_for()


def so(page: "Page", expression: str) -> None:
    """Wait until JavaScript's expression is so. Playwright's own way is what the policy forbids."""
    wait(lambda: page.evaluate(expression))


def focused(page: "Page") -> str:
    """The text of what has the focus."""
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def tab_to(page: "Page", text: str) -> None:
    """Press Tab until something with this text has the focus."""
    passed = []
    while text not in passed:
        assert len(passed) < 20, passed
        page.keyboard.press("Tab")
        passed.append(focused(page))


# --- First sight ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(
    browser: "Browser", url: str, recording: Path, size: str, scheme: Any
):
    with opened(browser, url, size, color_scheme=scheme) as page:
        visible(page, "Ready · small on AMD Radeon RX 7800 XT")
        assert severe(page) == []
        transcribed(page, recording)
        assert severe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_axe_would_find_something(page: "Page"):
    visible(page, "Ready")
    page.evaluate("document.getElementById('choose').textContent = ''")
    assert any(one.startswith("button-name") for one in severe(page))


def test_a_policy_that_is_broken_would_be_noticed(browser: "Browser", url: str):
    def inline() -> None:
        with opened(browser, url) as page:
            page.evaluate("document.body.append(document.createElement('style'))")
            page.evaluate("document.querySelector('body > style').textContent = 'p {color: red}'")

    with pytest.raises(AssertionError, match="Content Security Policy"):
        inline()


def test_it_says_how_the_machine_is(page: "Page", url: str):
    visible(page, "Ready")
    said = dict(zip(texts(page, "#parts dt"), texts(page, "#parts dd"), strict=True))
    version = requests.get(f"{url}/health").json()["version"]
    assert (said["Device"], said["Backend"]) == ("AMD Radeon RX 7800 XT", "HIP")
    assert (said["Model"], said["Proxy"]) == ("small", version)
    assert said["Queue"] == "empty"
    assert page.locator("#charts svg[role=img]").count() == 3
    visible(page, "up to 1 MiB and 4 hours")


def test_the_last_hour_is_drawn(browser: "Browser", fake: Whisper, recording: Path, tmp_path: Path):
    with processes.proxy(fake.url, tmp_path) as proxy, opened(browser, proxy.url) as page:
        transcribed(page, recording)
        wait(lambda: texts(page, "#charts strong")[0] == "1")
        (tmp_path / "junk").write_text("junk " * 1000)
        page.set_input_files("#file", tmp_path / "junk")
        wait(lambda: texts(page, "#charts strong")[0] == "2, 1 failed")
        drawn = page.locator("svg[aria-label='Requests in the last hour: 2, 1 failed']")
        said = "[...document.querySelectorAll('#charts figure:first-child title')]"
        titles = page.evaluate(f"{said}.map((one) => one.textContent)")
        assert len(titles) == drawn.locator("g").count() == 60
        assert titles[0] == "59 minutes ago: 0 requests"
        assert "real-time factor 0.0" in texts(page, "#charts small")[2]


def test_a_card_s_watts_and_memory_are_told(browser: "Browser", fake: Whisper, tmp_path: Path):
    (tmp_path / "hwmon" / "hwmon0").mkdir(parents=True)
    (tmp_path / "hwmon" / "hwmon0" / "power1_average").write_text("31400000\n")
    (tmp_path / "mem_info_vram_used").write_text(f"{3 * 2**30}\n")
    (tmp_path / "mem_info_vram_total").write_text(f"{16 * 2**30}\n")
    flags = ("--gpu-device", str(tmp_path))
    with processes.proxy(fake.url, tmp_path, flags) as proxy, opened(browser, proxy.url) as page:
        visible(page, "31 W")
        visible(page, "3 GiB of 16 GiB")


# --- A file --------------------------------------------------------------------------------------


def test_a_file_becomes_a_transcript_with_times(page: "Page", recording: Path):
    transcribed(page, recording)
    assert texts(page, ".segment p") == [
        "Ask not what your", "country can do <b>for</b>", "you.",
    ]  # fmt: skip
    assert texts(page, ".time") == ["0:00", "0:02", "0:03"]
    assert texts(page, ".word") == WORDS
    visible(page, "0:04 · English · done in")
    assert page.locator("#transcript").get_attribute("lang") == "en"


def test_a_click_on_a_word_plays_from_it(page: "Page", recording: Path):
    transcribed(page, recording)
    page.get_by_text("country", exact=True).click()
    so(page, "!document.getElementById('audio').paused")
    so(page, "document.getElementById('audio').currentTime >= 2.1")
    assert page.evaluate("document.getElementById('audio').currentTime") < 4
    so(page, "document.querySelector('.now')?.textContent === 'can'")


def test_the_keyboard_is_enough(page: "Page", recording: Path):
    # Has Playwright listen from now on: on a busy machine it may begin to when the key was pressed.
    page.on("filechooser", lambda _: None)
    visible(page, "Ready")
    tab_to(page, "Choose a file")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(recording)
    page.locator("#transcript .word").first.wait_for()
    assert focused(page) == "Transcript"
    tab_to(page, "Ask")
    for key, word in (
        ("ArrowRight", "not"), ("End", "you."), ("ArrowUp", "country"), ("ArrowUp", "Ask"),
        ("ArrowUp", "Ask"), ("ArrowDown", "country"), ("ArrowLeft", "your"),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert focused(page) == word, key
    page.keyboard.press("Enter")
    so(page, "document.getElementById('audio').currentTime >= 1.2")


@pytest.mark.parametrize("extension", ["txt", "srt", "vtt", "json"])
def test_what_is_saved_is_what_the_api_answers(
    page: "Page", url: str, recording: Path, extension: str
):
    transcribed(page, recording)
    with page.expect_download() as download:
        page.locator(f"[data-format={extension}]").click()
    assert download.value.suggested_filename == f"speech.{extension}"
    saved = Path(download.value.path()).read_text()
    fields = {
        "response_format": {"txt": "text", "json": "verbose_json"}.get(extension, extension),
        "timestamp_granularities[]": ["word", "segment"] if extension == "json" else "segment",
    }
    asked = requests.post(
        f"{url}/v1/audio/transcriptions", data=fields, files={"file": recording.read_bytes()}
    )
    if extension == "json":
        assert json.loads(saved) == asked.json()
    else:
        assert saved == asked.text


def test_options_go_with_the_file(page: "Page", fake: Whisper, recording: Path):
    visible(page, "Ready")
    page.get_by_label("Language").select_option("German")
    page.get_by_label("Names and terms in it").fill("Ada Lovelace")
    transcribed(page, recording)
    assert (fake.fake.fields["language"], fake.fake.fields["prompt"]) == ("de", "Ada Lovelace")
    assert fake.fake.fields.get("translate", "false") == "false"
    page.get_by_label("Translate into English").check()
    transcribed(page, recording)
    wait(lambda: fake.fake.fields.get("translate") == "true")


def test_the_language_is_remembered(page: "Page"):
    page.get_by_label("Language").select_option("German")
    page.reload()
    so(page, "document.getElementById('language').value === 'de'")


def test_a_model_for_english_offers_nothing_else(browser: "Browser", fake: Whisper, tmp_path: Path):
    flags = ("--model", "small.en")
    with processes.proxy(fake.url, tmp_path, flags) as proxy, opened(browser, proxy.url) as page:
        visible(page, "small.en knows English alone.")
        assert not page.get_by_label("Language").is_visible()
        assert not page.get_by_label("Translate into English").is_visible()


def test_a_file_may_be_dropped(page: "Page", recording: Path):
    visible(page, "Ready")
    data = list(recording.read_bytes())
    page.evaluate(
        """(data) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(data)], "<i>dropped</i>.wav"));
          const drop = document.getElementById("drop");
          for (const type of ["dragenter", "dragover", "drop"]) {
            drop.dispatchEvent(new DragEvent(type, {bubbles: true, dataTransfer: transfer}));
          }
        }""",
        data,
    )
    page.locator("#transcript .word").first.wait_for()


def test_nothing_said_is_told(page: "Page", fake: Whisper, recording: Path):
    fake.fake.answer = {**answer(), "segments": []}
    page.set_input_files("#file", recording)
    visible(page, "No speech was found in the recording.")


def test_the_text_is_copied(browser: "Browser", url: str, recording: Path):
    permissions = ["clipboard-read", "clipboard-write"]
    with opened(browser, url, permissions=permissions) as page:
        transcribed(page, recording)
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == TEXT


# --- What may go wrong ---------------------------------------------------------------------------


def test_what_is_no_recording_is_said_to_be_none(page: "Page", tmp_path: Path):
    (tmp_path / "notes.txt").write_text("junk " * 1000)
    page.set_input_files("#file", tmp_path / "notes.txt")
    page.locator("#problem:visible").wait_for()
    assert "no format that is known" in texts(page, "#problem")[0]
    assert focused(page) == "Choose a file"


def test_what_is_too_large_is_not_sent(page: "Page", tmp_path: Path):
    visible(page, "Ready")
    (tmp_path / "long.wav").write_bytes(bytes(3 * 2**19))
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.set_input_files("#file", tmp_path / "long.wav")
    visible(page, "long.wav has 1.5 MiB; at most 1 MiB are taken.")
    assert "POST" not in sent


def test_an_empty_file_is_not_sent(page: "Page", tmp_path: Path):
    (tmp_path / "empty.wav").touch()
    page.set_input_files("#file", tmp_path / "empty.wav")
    visible(page, "empty.wav is empty.")


def test_what_the_server_says_is_shown(page: "Page", fake: Whisper, recording: Path):
    fake.fake.error = FAILED
    page.set_input_files("#file", recording)
    visible(page, "whisper-server could not process the request")


def test_cancelling_ends_the_inference(page: "Page", fake: Whisper, recording: Path):
    fake.fake.seconds = 30
    page.set_input_files("#file", recording)
    visible(page, "Transcribing")
    wait(lambda: fake.fake.running)
    page.get_by_role("button", name="Cancel").click()
    page.locator("#drop:visible").wait_for()
    assert not page.locator("#problem").is_visible()
    wait(lambda: not fake.fake.running)


def test_leaving_while_it_works_is_asked_about(page: "Page", fake: Whisper, recording: Path):
    fake.fake.seconds = 30
    page.set_input_files("#file", recording)
    visible(page, "Transcribing")
    page.get_by_role("heading", name="Speech to text").click()  # browsers ask who has done anything
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    page.get_by_role("button", name="Cancel").click()


def test_a_full_queue_is_tried_again(
    browser: "Browser", fake: Whisper, recording: Path, tmp_path: Path
):
    fake.fake.seconds = 4
    with (
        processes.proxy(fake.url, tmp_path, ("--queue", "0")) as proxy,
        opened(browser, proxy.url) as first,
        opened(browser, proxy.url) as second,
    ):
        first.set_input_files("#file", recording)
        wait(lambda: fake.fake.running)
        second.set_input_files("#file", recording)
        visible(second, "The queue is full. Trying again in")
        assert severe(second) == []
        fake.fake.seconds = 0
        second.locator("#transcript .word").first.wait_for()
        first.locator("#transcript .word").first.wait_for()


@pytest.mark.page
def test_what_waits_is_told(browser: "Browser", fake: Whisper, recording: Path, url: str):
    fake.fake.seconds = 3
    with opened(browser, url) as first, opened(browser, url) as second:
        first.set_input_files("#file", recording)
        wait(lambda: fake.fake.running)
        second.set_input_files("#file", recording)
        visible(second, "In the queue: 1 running, 1 waiting")
        fake.fake.seconds = 0
        second.locator("#transcript .word").first.wait_for()


def test_a_whisper_server_that_restarts_is_waited_for(page: "Page", fake: Whisper, recording: Path):
    visible(page, "Ready")
    fake.stop()
    try:
        page.set_input_files("#file", recording)
        visible(page, "whisper-server restarts; the recording waits for it.")
        visible(page, "whisper-server is away and requests wait for it.")
        assert page.locator("#summary[data-status=degraded]").count() == 1
    finally:
        fake.start()
    page.locator("#transcript .word").first.wait_for()


@pytest.mark.page
def test_a_proxy_that_is_away_is_tried_again(
    browser: "Browser", fake: Whisper, recording: Path, tmp_path: Path
):
    with processes.proxy(fake.url, tmp_path) as proxy, opened(browser, proxy.url) as page:
        visible(page, "Ready")
        with stopped(proxy, page):
            page.set_input_files("#file", recording)
            visible(page, "The server does not answer. Trying again in")
        page.locator("#transcript .word").first.wait_for()
        visible(page, "Ready")


class stopped:
    """The network gone between the browser and the proxy, for the duration of the context."""

    def __init__(self, proxy: Proxy, page: "Page") -> None:
        self._page = page

    def __enter__(self) -> None:
        self._page.context.set_offline(True)

    def __exit__(self, *_: object) -> None:
        self._page.context.set_offline(False)


def test_a_gateway_s_page_says_how_its_pool_is(browser: "Browser", fake: Whisper, tmp_path: Path):
    flags = ("--pool", str(tmp_path))
    with processes.proxy(fake.url, tmp_path, flags) as proxy, opened(browser, proxy.url) as page:
        visible(page, "Limited · whisper-1")
        visible(page, "HAProxy is away and requests wait for it.")
        assert severe(page) == []


# --- The key -------------------------------------------------------------------------------------


def test_a_key_is_asked_for_and_stays_in_the_tab(
    browser: "Browser", fake: Whisper, recording: Path, tmp_path: Path
):
    key = tmp_path / "key"
    key.write_text("sk-right")
    key.chmod(0o600)
    flags = ("--api-key-file", str(key))
    with processes.proxy(fake.url, tmp_path, flags) as proxy, opened(browser, proxy.url) as page:
        visible(page, "This server asks for a key")
        assert not page.locator("#columns").is_visible()
        assert severe(page) == []
        page.get_by_label("API key").fill("sk-wrong ünïcode")
        page.keyboard.press("Enter")
        visible(page, "The server does not take that key.")
        page.get_by_label("API key").fill("sk-right")
        page.keyboard.press("Enter")
        visible(page, "Ready")
        transcribed(page, recording)
        page.reload()
        visible(page, "Ready")
        assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
        with browsers.watched(page.context) as other:
            other.goto(proxy.url)
            visible(other, "This server asks for a key")
        key.write_text("sk-other")
        page.set_input_files("#file", recording)
        visible(page, "The server does not take that key.")
        page.get_by_label("API key").type("sk-")
        page.wait_for_timeout(2500)  # while the state of the server would be asked for
        page.get_by_label("API key").type("other")
        page.keyboard.press("Enter")
        page.locator("#transcript .word").first.wait_for()
        page.get_by_role("button", name="Forget the key").click()
        visible(page, "This server asks for a key")
        assert page.evaluate("sessionStorage.length") == 0


# --- The microphone ------------------------------------------------------------------------------


def test_speech_is_recorded(browser: "Browser", url: str):
    with opened(browser, url, permissions=["microphone"]) as page:
        visible(page, "Ready")
        page.get_by_role("button", name="Record").click()
        page.get_by_role("button", name="Stop and transcribe").wait_for()
        so(page, "document.getElementById('recorded').textContent === '0:02'")
        # Chromium's fake device beeps.
        so(page, "parseFloat(document.querySelector('#level span').style.scale) > 0.2")
        assert severe(page) == []
        page.get_by_role("button", name="Stop and transcribe").click()
        page.locator("#transcript .word").first.wait_for()
        so(page, "document.getElementById('audio').duration < 10")
        page.get_by_text("not", exact=True).click()
        so(page, "document.querySelector('.now')")


def test_what_was_recorded_is_kept_until_it_is_transcribed(
    browser: "Browser", url: str, fake: Whisper
):
    fake.fake.error = FAILED
    with opened(browser, url, permissions=["microphone"]) as page:
        page.get_by_role("button", name="Record").click()
        so(page, "document.getElementById('recorded').textContent === '0:01'")
        page.get_by_role("button", name="Stop and transcribe").click()
        visible(page, "whisper-server could not process the request")
        assert focused(page) == "Transcribe it"
        assert severe(page) == []
        with page.expect_download() as download:
            page.get_by_role("button", name="Save it").click()
        assert download.value.suggested_filename.startswith("recording-")
        assert Path(download.value.path()).stat().st_size
        fake.fake.error = None
        page.get_by_role("button", name="Transcribe it").click()
        page.locator("#transcript .word").first.wait_for()
        assert not page.locator("#kept").is_visible()


def test_what_was_recorded_may_be_discarded(browser: "Browser", url: str):
    with opened(browser, url, permissions=["microphone"]) as page:
        page.get_by_role("button", name="Record").click()
        page.get_by_role("button", name="Discard").click()
        page.locator("#drop:visible").wait_for()
        assert focused(page) == "Record"


def test_a_microphone_that_is_denied_is_explained(page: "Page"):
    page.get_by_role("button", name="Record").click()
    visible(page, "The browser does not let this page use the microphone.")
    assert page.locator("#drop").is_visible()


def test_over_plain_http_from_elsewhere_there_is_none_and_a_line_says_why(
    browser: "Browser", url: str, recording: Path
):
    with opened(browser, url.replace("127.0.0.1", ELSEWHERE)) as page:
        visible(page, "No microphone here: browsers give it to pages over HTTPS or on localhost")
        assert not page.get_by_role("button", name="Record").is_visible()
        visible(page, ELSEWHERE)
        transcribed(page, recording)
        page.get_by_role("button", name="Copy").click()
        page.get_by_role("button", name="Copied").wait_for()
