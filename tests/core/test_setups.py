"""What serves, what to go back to, and what is kept."""

from dataclasses import replace

import pytest

from core.setups import Setup, Setups, parse_setups

UNIT = """[Service]
ExecStart=%h/.voicemode/services/whisper.cpp/build/bin/whisper-server \\
    --model %h/.voicemode/services/whisper.cpp/models/ggml-tiny.en.bin \\
    --host 127.0.0.1 \\
    --port 4022"""
SOCKET = "[Socket]\nListenStream=0.0.0.0:4023"


def fingerprint(number: int) -> str:
    return f"{number:012x}"


def setup(number: int, build: int | None = None, **changes: str) -> Setup:
    """The setup with this number, of the build with this number."""
    name = f"build-v1.{build or number}-{fingerprint(build or number)}"
    made = Setup(
        name=f"confirmed-{fingerprint(number)}",
        server=fingerprint(number),
        whole=f"whole {number}",
        build=name,
        proxy=f"whisper-proxy-{fingerprint(number)}",
        venv=f"whisper-proxy-venv-{fingerprint(number)}",
        model="ggml-tiny.en.bin",
        listen="127.0.0.1:2023",
        port="2022",
    )
    return replace(made, **changes)


def setups(now: Setup, *confirmed: Setup, latest: Setup | None = None) -> Setups:
    known = [now, *confirmed]
    versions = {part for one in known for part in one.parts} - {"now"}
    name = (latest or confirmed[0]).name if confirmed else ""
    return Setups(replace(now, name="now"), confirmed, name, tuple(sorted(versions)))


def printed(name: str, build: str, unit: str = UNIT, proxy_units: str = SOCKET) -> list[str]:
    return [
        f"setup\t{name}\t{build}\twhisper-proxy-1\twhisper-proxy-venv-1\t",
        *unit.splitlines(), "proxy\t", *proxy_units.splitlines(),
    ]  # fmt: skip


def test_what_the_host_prints_is_read():
    lines = [
        *printed("now", "build-v1.9.1-0123456789ab"),
        *printed("confirmed-0123456789ab", "build.by-hand", UNIT.replace("4022", "2022"), ""),
        "latest\tconfirmed-0123456789ab\t",
        "version\twhisper.cpp/build-v1.9.1-0123456789ab\t",
        "version\twhisper-proxy-*\t",
    ]
    found = parse_setups(lines)
    assert found.now is not None
    assert found.now.label == "whisper.cpp v1.9.1 with tiny.en"
    assert found.now.proxy_url == "http://127.0.0.1:4023"
    assert found.now.server_url == "http://127.0.0.1:4022/"
    (by_hand,) = found.confirmed
    assert by_hand.proxy_url == "http://127.0.0.1:2023"
    assert found.latest == by_hand.name
    assert found.versions[0] == "whisper.cpp/build-v1.9.1-0123456789ab"
    assert found.own() == ["whisper.cpp/build-v1.9.1-0123456789ab"]


@pytest.mark.parametrize(
    ("unit", "proxy_units", "server_differs"),
    [(UNIT, SOCKET, False), (f"{UNIT}1", SOCKET, True), (UNIT, f"{SOCKET}\n#", False)],
)
def test_a_setup_is_told_by_its_links_and_units(unit: str, proxy_units: str, server_differs: bool):
    one = parse_setups(printed("now", "build-x")).now
    other = parse_setups(printed("now", "build-x", unit, proxy_units)).now
    assert one is not None
    assert other is not None
    assert (one.server != other.server) is server_differs
    assert (one.whole == other.whole) is ((unit, proxy_units) == (UNIT, SOCKET))


def test_on_a_fresh_machine_there_is_nothing():
    found = parse_setups(["latest\t\t", "version\twhisper.cpp/build-*\t"])
    assert (found.now, found.confirmed, found.of_latest) == (None, (), None)
    assert not found.is_confirmed
    assert found.own() == found.surplus() == []
    assert found.before() is None


def test_what_was_confirmed_last_is_confirmed():
    assert setups(setup(2), setup(2), setup(1)).is_confirmed
    assert not setups(setup(3), setup(2), setup(1)).is_confirmed
    assert not setups(setup(2, whole="another proxy"), setup(2)).is_confirmed


def test_what_is_new_and_fails_goes_back_to_what_was_confirmed_last():
    assert setups(setup(3), setup(2), setup(1)).of_latest == setup(2)
    gone_back = setups(setup(3), setup(2), setup(1), latest=setup(1))
    assert gone_back.of_latest == setup(1)


def test_going_back_by_hand_goes_one_further_each_time():
    kept = (setup(3), setup(2), setup(1))
    assert setups(setup(3), *kept).before() == setup(2)
    assert setups(setup(2), *kept, latest=setup(2)).before() == setup(1)
    assert setups(setup(1), *kept, latest=setup(1)).before() is None


def test_what_was_never_confirmed_goes_back_to_what_was():
    assert setups(setup(4), setup(3), setup(2)).before() == setup(3)


def test_what_has_lost_a_part_is_passed_over():
    found = setups(setup(3), setup(3), setup(2), setup(1))
    lost = tuple(name for name in found.versions if name != setup(2).proxy)
    assert replace(found, versions=lost).before() == setup(1)


def test_what_was_made_by_hand_can_be_gone_back_to():
    by_hand = replace(setup(1), build="build.by-hand", proxy="", venv="whisper-proxy-venv.by-hand")
    assert setups(setup(2), setup(2), by_hand).before() == by_hand


def test_three_builds_stay():
    found = setups(setup(5), setup(5), setup(4), setup(3), setup(2), setup(1))
    assert set(found.surplus()) == setup(2).parts | setup(1).parts


def test_three_builds_stay_though_the_model_or_a_port_was_changed_more_often():
    confirmed = [setup(9, build=3), setup(8, build=3), setup(7, build=3), setup(6, build=2)]
    older = setup(5, build=2)
    found = setups(confirmed[0], *confirmed, older, setup(1))
    assert set(found.surplus()) == older.parts - {f"whisper.cpp/{older.build}"}


def test_what_serves_stays_however_old_it_is():
    kept = [setup(number) for number in (5, 4, 3, 2, 1)]
    found = setups(setup(1), *kept, latest=setup(1))
    assert set(found.surplus()) == setup(2).parts


@pytest.mark.parametrize("ending", [".partial", ".new", ".tar"])
def test_what_a_cut_off_run_left_goes(ending: str):
    left = [f"{part}{ending}" for part in setup(1).parts]
    found = setups(setup(1), setup(1))
    assert set(replace(found, versions=(*found.versions, *left)).surplus()) == set(left)


@pytest.mark.parametrize(
    "theirs",
    [
        "whisper.cpp/build-vulkan", "whisper.cpp/build.by-hand", "whisper.cpp/build-v1.9.1",
        "whisper-proxy-venv", "whisper-proxy-venv.by-hand", "whisper-proxy-mine", "confirmed-by-me",
        "whisper-proxy.py", f"whisper.cpp/build-{fingerprint(1)}",
    ],
)  # fmt: skip
def test_what_is_no_version_is_the_user_s(theirs: str):
    found = setups(setup(1), setup(1))
    assert replace(found, versions=(*found.versions, theirs)).surplus() == []
