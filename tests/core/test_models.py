"""Which model a setting names."""

import re

import pytest

from core.model_sums import KNOWN
from core.models import Model, resolve_model
from core.refusal import Refusal

SUM = "a" * 64
SOURCE = "https://models.example"


def test_a_published_name_brings_its_url_size_and_sum():
    size, known = KNOWN["small.en"]
    assert resolve_model("small.en", "", SOURCE) == Model(
        "ggml-small.en.bin", f"{SOURCE}/ggml-small.en.bin", known, size
    )


def test_every_known_sum_is_a_sha256_and_every_size_a_model_s():
    assert len(KNOWN) == 31
    for size, known in KNOWN.values():
        assert re.fullmatch("[0-9a-f]{64}", known)
        assert size is None or 30_000_000 < size < 3_200_000_000


@pytest.mark.parametrize(
    ("given", "url", "name"),
    [
        ("http://x/a/ggml-my.bin", "http://x/a/ggml-my.bin", "my"),
        ("https://x/ggml-my.bin?download=true", "https://x/ggml-my.bin?download=true", "my"),
        ("/srv/ggml-big model/own.bin", "file:///srv/ggml-big%20model/own.bin", "own"),
    ],
)
def test_a_model_of_one_s_own_comes_by_url_or_path(given, url, name):
    model = resolve_model(given, SUM.upper(), SOURCE)
    assert (model.url, model.name, model.sha256, model.size) == (url, name, SUM, None)


@pytest.mark.parametrize("given", ["http://x/ggml-my.bin", "/srv/ggml-my.bin"])
@pytest.mark.parametrize("sha256", ["", None, "abc", "g" * 64])
def test_a_model_of_one_s_own_needs_its_sum(given, sha256):
    with pytest.raises(Refusal, match=r"model_sha256: got .*64 hexadecimal digits"):
        resolve_model(given, sha256, SOURCE)


@pytest.mark.parametrize("given", ["file://host/x.bin", "file:///x.bin", "/srv/", "/srv/.bin"])
def test_other_urls_and_directories_are_refused(given):
    with pytest.raises(Refusal, match="whisper_model: got"):
        resolve_model(given, SUM, SOURCE)


def test_a_published_name_with_another_sum_is_refused():
    with pytest.raises(Refusal, match="leave model_sha256 empty"):
        resolve_model("small.en", SUM, SOURCE)
    assert resolve_model("tiny", KNOWN["tiny"][1], SOURCE).name == "tiny"
