"""The page in a real browser, before a machine that was deployed to: real speech, real words.

With PAGE_PICTURES, the directory that they go to, it takes the README's pictures.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.boxes import Box
from tests.machines.deploying import post, raise_boxes, sample
from tests.page.browser import chromium, opened, severe, texts
from tests.tunnel import tunnel
from voicemode_whisper.core.speech import is_spoken

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SYSTEMCTL = "XDG_RUNTIME_DIR=/run/user/1000 systemctl --user"
# The sample has 11 s of speech; a CPU that is shared takes a while.
PATIENCE = 120_000


@pytest.fixture(scope="module")
def box(served: str) -> Iterator[Box]:
    with raise_boxes("page", base=served) as (serving,):
        yield serving


@pytest.fixture(scope="module")
def url(box: Box) -> Iterator[str]:
    with tunnel(box, 2023) as found:
        yield found


@pytest.fixture(scope="module")
def speech(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("speech") / "kennedy.wav"
    file.write_bytes(sample(box))
    return file


@pytest.fixture(scope="module")
def browser(speech: Path) -> Iterator["Browser"]:
    """A browser whose microphone hears the sample, once."""
    with chromium(
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={speech}%noloop",
    ) as running:
        yield running


def transcript(page: "Page") -> str:
    """What the page shows once it has a transcript."""
    page.locator("#transcript .word").first.wait_for(timeout=PATIENCE)
    return " ".join(texts(page, ".segment p"))


def test_a_file(browser: "Browser", url: str, speech: Path):
    with opened(browser, url) as page:
        page.set_input_files("#file", speech)
        assert is_spoken(transcript(page))
        assert len(texts(page, ".word")) == 22
        assert is_spoken(" ".join(texts(page, ".word")))
        said = dict(zip(texts(page, "#parts dt"), texts(page, "#parts dd"), strict=True))
        assert (said["Device"], said["Model"], said["Generation"]) == ("CPU", "tiny.en", "1")
        assert severe(page) == []
        with page.expect_download() as download:
            page.locator("[data-format=srt]").click()
        answer = requests.post(
            f"{url}/v1/audio/transcriptions",
            data={"response_format": "srt"},
            files={"file": speech.read_bytes()},
            timeout=120,
        )
        # With the times of words asked for, whisper.cpp ends its segments elsewhere.
        assert (
            Path(download.value.path()).read_text().count(" --> ") >= answer.text.count("-->") > 0
        )


def test_the_microphone(browser: "Browser", url: str):
    with opened(browser, url, permissions=["microphone"]) as page:
        page.get_by_role("button", name="Record").click()
        page.get_by_role("button", name="Stop and transcribe").wait_for()
        page.wait_for_timeout(12_000)
        page.get_by_role("button", name="Stop and transcribe").click()
        assert is_spoken(transcript(page))


@pytest.mark.page
def test_nothing_is_lost_when_both_services_are_restarted(
    box: Box, browser: "Browser", url: str, speech: Path
):
    with opened(browser, url) as page:
        page.set_input_files("#file", speech)
        page.get_by_text("Transcribing").first.wait_for()
        box.run(f"{SYSTEMCTL} kill -s KILL voicemode-whisper")
        assert is_spoken(transcript(page))
        box.run(f"{SYSTEMCTL} restart voicemode-whisper-proxy")
        page.set_input_files("#file", speech)
        page.wait_for_timeout(500)
        assert is_spoken(transcript(page))


@pytest.mark.page
@pytest.mark.skipif("PAGE_PICTURES" not in os.environ, reason="takes pictures on request")
def test_pictures(browser: "Browser", url: str, speech: Path):
    until = time.monotonic() + 150  # so that the last hour has something to show
    while time.monotonic() < until:
        assert is_spoken(post(url, speech.read_bytes()))
        time.sleep(3)
    where = Path(os.environ["PAGE_PICTURES"])
    for name, size, scheme in (
        ("page", "desktop", "light"), ("page-dark", "desktop", "dark"),
        ("page-phone", "phone", "light"),
    ):  # fmt: skip
        with opened(browser, url, size, color_scheme=scheme) as page:  # type: ignore[arg-type]
            page.set_input_files("#file", speech)
            assert is_spoken(transcript(page))
            page.get_by_text("country", exact=True).first.click()
            page.wait_for_timeout(2500)
            page.screenshot(path=where / f"{name}.png", clip=visible_part(page))


def visible_part(page: "Page") -> dict[str, float]:
    """The page without the empty room below it."""
    size = page.viewport_size
    assert size
    height = page.evaluate("document.body.getBoundingClientRect().height")
    return {"x": 0, "y": 0, "width": size["width"], "height": min(height, 1600)}
