"""A gateway's pool: what runs for it, and how its members are."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.core.test_gateway import RUNS, unit
from tests.health import SPOKEN
from voicemode_whisper.core.diagnosis import DEPLOY_AGAIN
from voicemode_whisper.core.gateway import PoolState
from voicemode_whisper.core.health import pool
from voicemode_whisper.core.health.report import CheckResult
from voicemode_whisper.core.layout import BALANCER_UNIT, POOL_SOCKET, POOL_UNIT

URL = "http://127.0.0.1:2024"


def said(**changes: Any) -> str:
    body = {
        "status": "ok",
        "reason": None,
        "broken": [],
        "queue": {"running": 2, "waiting": 1, "limit": 32},
        "pool": {"haproxy": "ready", "slots": 3, "members": []},
    }
    return json.dumps(body | changes)


def member(state: str, last_failure: object = None) -> CheckResult:
    one = {"name": "two.lan", "state": state, "running": 1, "waiting": 0, "slots": 1}
    body = said(pool={"members": [one | {"last_failure": last_failure}]})
    (row,) = pool.members(body)
    return row


def test_services_that_run_are_well():
    assert not pool.services(RUNS).fix


@pytest.mark.parametrize(
    ("state", "found", "fix"),
    [
        (PoolState(), "there is no pool yet", DEPLOY_AGAIN),
        (unit(POOL_UNIT, active="failed"), f"{POOL_UNIT} is failed", "restart " + POOL_UNIT),
        (unit(BALANCER_UNIT, active="failed"), f"{BALANCER_UNIT} is failed", BALANCER_UNIT),
        (unit(POOL_SOCKET, enabled=""), f"{POOL_SOCKET} is not enabled", "systemctl --user"),
        (replace(RUNS, differing=(POOL_UNIT,)), "not as the deploy wrote it", DEPLOY_AGAIN),
    ],
)
def test_services_that_do_not_are_named_with_what_mends_them(
    state: PoolState, found: str, fix: str
):
    row = pool.services(state)
    assert row.failed
    assert found in row.found
    assert fix in row.fix


@pytest.mark.parametrize(
    ("status", "body", "found", "failed"),
    [
        (200, said(), f"{URL} answers; 2 run in 3 places, 1 wait", False),
        (200, said(status="degraded", reason="two is down, of 3 members."), "answers", False),
        (0, "", f"nobody answers at {URL}", True),
        (503, said(status="unavailable", reason="No member answers."), "No member answers.", True),
        (200, said(status="degraded", broken=["spool"], reason="No room."), "No room.", True),
    ],
)
def test_what_the_proxy_complains_of_in_itself_is_an_error(
    status: int, body: str, found: str, failed: bool
):
    row = pool.proxy(URL, status, body)
    assert found in row.found
    assert row.failed is failed


def test_a_member_that_is_well_has_its_load_and_its_last_failure():
    assert member("up") == CheckResult("member two.lan", "up, 1 run, 0 wait")
    row = member("up", {"seconds": 7300, "what": "L4CON"})
    assert row == CheckResult("member two.lan", "up, 1 run, 0 wait; 2 h ago: L4CON")


@pytest.mark.parametrize(
    ("state", "failed", "fix"),
    [
        ("down", True, "--limit two.lan"),
        ("degraded", False, "--limit two.lan"),
        ("drained", False, DEPLOY_AGAIN),
        ("unheard-of", True, "--limit two.lan"),
    ],
)
def test_a_member_that_is_not_says_where_to_look(state: str, failed: bool, fix: str):
    row = member(state, {"seconds": 70, "what": "gone"})
    assert row.found == f"{state}, 1 run, 0 wait; 1 min ago: gone"
    assert (row.failed, row.warning) == (failed, not failed)
    assert fix in row.fix


def test_a_gateway_that_does_not_answer_knows_no_members():
    assert pool.members("") == pool.members("[]") == []


def test_members_that_serve_different_releases_are_told_apart():
    assert pool.versions({}) == []
    assert pool.versions({"a": "v1", "b": "v1"}) == [CheckResult("pool serves", "v1")]
    (row,) = pool.versions({"a": "v1", "b": "v2", "c": "v1"})
    assert (row.found, row.warning) == ("a, c: v1; b: v2", True)


def test_speech_through_the_pool():
    assert pool.speech(URL, SPOKEN, 1.234).found == "11 s transcribed in 1.23 s"
    assert pool.speech(URL, "503", 1.0).failed
