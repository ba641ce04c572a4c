"""Whether a virtual environment still runs, and what a deploy does about it."""

from dataclasses import replace

import pytest

from voicemode_whisper.core.venv import PROXY, WYOMING, Venv, parse_venv, python_problem

WHOLE = Venv(True, "/usr/bin/python3.13", "3.13", "", ("3.13",), "", "/usr/bin/python3.13")
PRINTED = [
    "complete=yes",
    "interpreter=/usr/bin/python3.13",
    "version=3.13",
    "error=",
    "packages= 3.13",
    "damaged=",
    "system=/usr/bin/python3.13",
]


def test_what_the_host_prints_is_read():
    assert parse_venv(PRINTED) == WHOLE


def test_one_that_is_whole_is_left():
    assert WHOLE.problem == WHOLE.reason_to_replace == ""


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (
            {"interpreter": "/home/ada/.local/share/mise/3.13.1/bin/python3", "version": ""},
            "/home/ada/.local/share/mise/3.13.1/bin/python3 is gone",
        ),
        ({"version": "", "error": "it does not start: no libm"}, "it does not start: no libm"),
        (
            {"interpreter": "/usr/bin/python3.14", "version": "3.14"},
            "its packages are for Python 3.13, /usr/bin/python3.14 is 3.14",
        ),
        (
            {"version": "3.14t", "packages": ("3.13", "3.14")},
            "its packages are for Python 3.13 and 3.14, /usr/bin/python3.13 is 3.14t",
        ),
        ({"damaged": "lib/aiohttp/web.py"}, "lib/aiohttp/web.py is not what was installed"),
    ],
)
def test_one_that_does_not_start_is_replaced(found: dict[str, object], problem: str):
    venv = replace(WHOLE, **found)  # type: ignore[arg-type]
    assert venv.problem == venv.reason_to_replace == problem


def test_one_on_a_python_of_the_user_s_starts_and_is_replaced():
    venv = replace(WHOLE, interpreter="/home/ada/.pyenv/versions/3.13.0/bin/python3.13")
    assert venv.problem == ""
    assert venv.reason_to_replace == (
        "it depends on /home/ada/.pyenv/versions/3.13.0/bin/python3.13, which is not the system's "
        "Python"
    )


@pytest.mark.parametrize(("version", "said"), [("3.10", "is Python 3.10"), (None, "not start")])
def test_a_python_that_cannot_be_used_is_named(version: str | None, said: str):
    assert said in python_problem(version, PROXY)


@pytest.mark.parametrize("version", ["3.11", "3.9999", "4.0"])
def test_any_newer_python_can_be_used(version: str):
    assert python_problem(version, PROXY) == ""


def test_wyoming_openai_needs_a_newer_one_than_the_proxy():
    assert "3.12 or newer is needed for wyoming-openai" in python_problem("3.11", WYOMING)
    assert python_problem("3.12", WYOMING) == ""
