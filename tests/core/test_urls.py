"""URLs with credentials: what is handed on, and what may be shown."""

import pytest

from tests.generations import settings
from voicemode_whisper.core.settings import Settings
from voicemode_whisper.core.urls import Login, download_options, masked, split_login

SECRETS = ("s3cr3t", "t0k3n")
REPO = "https://ada:s3cr3t@host/whisper.cpp"
MODEL = "https://ada:s3cr3t@host/ggml-my.bin?token=t0k3n"


@pytest.mark.parametrize(
    ("url", "plain", "login"),
    [
        ("https://host/x", "https://host/x", None),
        ("https://ada:s3%2Fcr@host:8443/x", "https://host:8443/x", Login("ada", "s3/cr")),
        ("https://t0k3n@host/x", "https://host/x", Login("t0k3n", "")),
        ("https://:p:q@[::1]/x", "https://[::1]/x", Login("", "p:q")),
        ("https://host/a@1.2/x", "https://host/a@1.2/x", None),
    ],
)
def test_credentials_are_told_from_the_url(url: str, plain: str, login: Login | None):
    assert split_login(url) == (plain, login)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (REPO, "https://***@host/whisper.cpp"),
        (MODEL, "https://***@host/ggml-my.bin?***"),
        ("https://host/a@1.2/x.bin", "https://host/a@1.2/x.bin"),
        ("https://ada:s3cr3t/with@slash@host/x", "https://***@host/x"),
        ("htps://ada:s3cr3t@host/x?token=t0k3n", "htps://***@host/x?***"),
        ("ada:s3cr3t@host/x", "***@host/x"),
        ("git@github.com:x/y", "git@github.com:x/y"),
        ("/home/ada@home/ggml-my.bin", "/home/ada@home/ggml-my.bin"),
        ("small.en", "small.en"),
    ],
)
def test_what_is_shown_has_no_secret(given: str, shown: str):
    assert masked(given) == shown


def test_a_program_is_handed_them_in_its_own_form():
    login = Login("ada", 'quo"te\\')
    assert list(login.for_curl) == ['user = "ada:quo\\"te\\\\"']
    assert list(login.for_git) == ["ada", 'quo"te\\']
    assert list(download_options("https://host/x")) == ['url = "https://host/x"']


def test_nothing_that_is_printed_shows_them():
    found: Settings = settings(whisper_repo=REPO, whisper_model=MODEL, model_sha256="a" * 64)
    login = split_login(REPO)[1]
    assert login
    for thing in (
        found,
        found.model,
        login,
        login.for_git,
        login.for_curl,
        download_options(MODEL),
    ):
        assert not any(secret in f"{thing} {thing!r}" for secret in SECRETS)
