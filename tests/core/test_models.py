"""Which model a setting names."""

import re

import pytest

from voicemode_whisper.core.errors import UserError
from voicemode_whisper.core.model_sums import KNOWN
from voicemode_whisper.core.models import (
    Model,
    ModelFile,
    candidate_files,
    choose_file,
    parse_model_files,
    resolve_model,
)

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
    with pytest.raises(UserError, match=r"model_sha256: got .*64 hexadecimal digits"):
        resolve_model(given, sha256, SOURCE)


@pytest.mark.parametrize("given", ["file://host/x.bin", "file:///x.bin", "/srv/", "/srv/.bin"])
def test_other_urls_and_directories_are_refused(given):
    with pytest.raises(UserError, match="whisper_model: got"):
        resolve_model(given, SUM, SOURCE)


def test_a_published_name_with_another_sum_is_refused():
    with pytest.raises(UserError, match="leave model_sha256 empty"):
        resolve_model("small.en", SUM, SOURCE)
    assert resolve_model("tiny", KNOWN["tiny"][1], SOURCE).name == "tiny"


OWN = Model("ggml-own.bin", "", "ab" * 32, None)
OTHER = "cd" * 32
BY_SUM = "ggml-own-abababababab.bin"


@pytest.mark.parametrize(
    ("files", "name"),
    [
        ({}, "ggml-own.bin"),
        ({"ggml-own.bin": ModelFile(OWN.sha256)}, "ggml-own.bin"),
        ({"ggml-own.bin": ModelFile(OTHER)}, BY_SUM),
        ({"ggml-own.bin": ModelFile(OTHER, True, OTHER)}, BY_SUM),
        # It was this model, and is damaged.
        ({"ggml-own.bin": ModelFile(OTHER, False, OWN.sha256)}, "ggml-own.bin"),
        ({"ggml-own.bin": ModelFile(OTHER), BY_SUM: ModelFile(OWN.sha256)}, BY_SUM),
        # What serves from there goes on doing so.
        ({"ggml-own.bin": ModelFile(OWN.sha256), BY_SUM: ModelFile(OWN.sha256)}, BY_SUM),
        ({BY_SUM: ModelFile(OWN.sha256)}, BY_SUM),
        ({"ggml-own.bin": ModelFile(OTHER), BY_SUM: ModelFile(OTHER)}, BY_SUM),
    ],
)
def test_another_sum_is_another_file(files, name):
    assert choose_file(OWN, files) == name
    assert name in candidate_files(OWN)


def test_what_is_known_of_the_files_is_read():
    lines = ["a.bin aa yes aa", "b.bin bb no cc", "c.bin dd no "]
    assert parse_model_files(lines) == {
        "a.bin": ModelFile("aa", True, "aa"),
        "b.bin": ModelFile("bb", False, "cc"),
        "c.bin": ModelFile("dd", False, ""),
    }


def test_a_token_in_the_source_s_query_stays_behind_the_path():
    model = resolve_model("small.en", "", "https://models.example/a?token=x")
    assert model.url == "https://models.example/a/ggml-small.en.bin?token=x"
