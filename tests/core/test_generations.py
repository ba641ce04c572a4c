"""What serves, what to roll back to, what is not tried again, and what is kept."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.generations import (
    CARD,
    MODEL,
    ON_CARD,
    ON_CPU,
    PYTHON,
    TOOLS,
    candidate,
    fingerprint,
    generation,
    generations,
    manifest,
    rejected,
    settings,
    spec,
)
from voicemode_whisper.core.generations import (
    REMEMBERED,
    EarlierSetup,
    Generation,
    Generations,
    parse_earlier_setup,
    parse_generations,
)
from voicemode_whisper.core.release import Release
from voicemode_whisper.core.toolchain import Toolchain


def printed(*manifests: dict[str, Any], current: int | None = None) -> list[str]:
    lines = [f"manifest {json.dumps(one)}" for one in manifests]
    return [*([f"current generations/{current}"] if current else []), *lines]


def surplus(found: Generations, *versions: str) -> set[str]:
    """What is to be removed, where these lie there too."""
    return set(replace(found, versions=(*found.versions, *versions)).surplus())


def test_what_the_host_prints_is_read():
    found = parse_generations(
        [
            *printed(manifest(1), manifest(2, "rejected"), current=1),
            "version generations/1",
            "version whisper-proxy-venv",
            "model whisper.cpp/models/ggml-small.en.bin",
        ]
    )
    assert found.serving == generation(1)
    assert found.all == (generation(1), rejected(2))
    assert found.own() == ["generations/1"]
    assert found.models == ("whisper.cpp/models/ggml-small.en.bin",)


def test_a_manifest_tells_all_that_is_asked_of_it():
    found = Generation.of(
        manifest(
            7,
            "rejected",
            listen="0.0.0.0:4023",
            port=4022,
            backend="hip",
            gpu=CARD.to_json(),
            model={"size": 5},
        )
    )
    assert (found.proxy_url, found.server_url) == (
        "http://127.0.0.1:4023",
        "http://127.0.0.1:4022",
    )
    assert (found.reason, found.when[:10]) == ("it was silent", "2026-11-22")
    assert (found.backend, found.gpu, found.model_size) == ("hip", CARD, 5)
    assert not found.adopted


def test_what_has_become_of_one_stands_in_its_manifest():
    made = candidate(2).ended("rejected", "2026-11-23", "it was silent")
    again = Generation.of(made)
    assert (again.status, again.reason, again.when) == ("rejected", "it was silent", "2026-11-23")
    confirmed = Generation.of(again.ended("confirmed", "2026-11-24"))
    assert (confirmed.status, confirmed.reason, confirmed.when) == ("confirmed", "", "2026-11-24")


@pytest.mark.parametrize(
    "key", ["number", "status", "fingerprint", "label", "listen", "port", "socket", "parts"]
)
def test_a_manifest_that_lacks_something_is_named_by_what_it_lacks(key: str):
    whole = manifest(1)
    with pytest.raises(KeyError, match=key):
        Generation.of({name: whole[name] for name in whole if name != key})


@pytest.mark.parametrize("key", ["rejected", "backend", "gpu", "model", "acceptance", "idle_watts"])
def test_what_need_not_be_known_may_be_missing(key: str):
    whole = manifest(1, "rejected")
    assert Generation.of({name: whole[name] for name in whole if name != key}).number == 1


def test_order_is_by_number_and_neither_by_text_nor_by_the_order_on_disk():
    found = parse_generations(printed(manifest(10), manifest(2), manifest(9), current=10))
    assert [one.number for one in found.all] == [2, 9, 10]
    assert found.next_number == 11
    assert found.previous() == generation(9)


def test_on_a_fresh_machine_there_is_nothing():
    found = parse_generations([])
    assert (found.serving, found.current, found.next_number) == (None, None, 1)
    # One that serves, and whose manifest is gone, is not written over.
    assert Generations(current=7).next_number == 8
    assert found.previous() is found.fallback() is found.reusable("") is found.rejection("") is None
    assert found.own() == found.surplus() == found.kept() == []
    assert not found.has_rejected


@pytest.mark.parametrize("link", ["generations/", "generations/1.new", "/elsewhere", "build-x"])
def test_a_link_that_names_no_generation_says_that_none_serves(link: str):
    found = parse_generations([f"current {link}", *printed(manifest(1))])
    assert found.current is found.serving is None


def test_none_serves_where_the_manifest_is_gone():
    assert parse_generations(printed(manifest(1), current=2)).serving is None


class TestReusable:
    def test_a_candidate_is_taken_up_after_a_kill(self):
        assert generations(1, generation(1), candidate(2)).reusable(fingerprint(2)) == candidate(2)

    def test_what_serves_goes_on(self):
        found = generations(2, generation(1), generation(2))
        assert found.reusable(fingerprint(2)) == generation(2)

    def test_a_confirmed_one_comes_back_after_a_rollback_that_was_cut_off(self):
        found = generations(1, generation(1), generation(2))
        assert found.reusable(fingerprint(2)) == generation(2)

    def test_an_older_one_is_not_taken_up(self):
        assert generations(2, generation(1), generation(2)).reusable(fingerprint(1)) is None

    def test_a_rejected_one_is_not_taken_up(self):
        assert generations(1, generation(1), rejected(2)).reusable(fingerprint(2)) is None

    def test_of_two_the_newer_is(self):
        found = generations(1, generation(1), candidate(2), candidate(3, same_as=2))
        assert found.reusable(fingerprint(2)) == candidate(3, same_as=2)

    def test_where_nothing_serves_any_may_be(self):
        assert generations(None, candidate(1)).reusable(fingerprint(1)) == candidate(1)

    def test_one_that_is_not_whole_any_more_is_made_again(self):
        found = Generations((generation(1), generation(2)), 2, gone=("request-path",))
        assert found.reusable(fingerprint(2)) is None


class TestRejection:
    def test_what_was_rejected_last_is_not_tried_again(self):
        assert generations(1, generation(1), rejected(2)).rejection(fingerprint(2)) == rejected(2)

    def test_another_one_is_tried(self):
        assert generations(1, generation(1), rejected(2)).rejection(fingerprint(3)) is None

    def test_what_was_tried_again_and_works_is_not_rejected(self):
        found = generations(3, generation(1), rejected(2), generation(3, same_as=2))
        assert found.rejection(fingerprint(2)) is None

    def test_what_worked_once_and_then_not_is_rejected(self):
        found = generations(1, generation(1), generation(2), rejected(3, same_as=2))
        assert found.rejection(fingerprint(2)) == rejected(3, same_as=2)

    def test_where_nothing_was_ever_confirmed_there_is_nothing_to_lose(self):
        assert generations(None, rejected(1)).rejection(fingerprint(1)) is None
        assert generations(1, candidate(1), rejected(2)).rejection(fingerprint(2)) is None


class TestRollback:
    def test_the_previous_one_is_the_last_that_was_confirmed_before(self):
        found = generations(4, generation(1), generation(2), rejected(3), generation(4))
        assert found.previous() == found.fallback() == generation(2)

    def test_going_back_again_goes_back_further(self):
        found = generations(2, generation(1), generation(2), rejected(3))
        assert found.previous() == generation(1)
        assert replace(found, current=1).previous() is None

    def test_a_candidate_is_nothing_to_go_back_to(self):
        assert generations(2, candidate(1), generation(2)).previous() is None

    def test_where_none_is_before_one_that_came_later_serves_again(self):
        found = generations(1, rejected(1), generation(2), generation(3))
        assert found.previous() is None
        assert found.fallback() == generation(3)

    def test_what_serves_is_nothing_to_fall_back_to(self):
        assert generations(1, generation(1), rejected(2)).fallback() is None


class TestKept:
    def test_the_last_three_confirmed_stay(self):
        known = [generation(number) for number in range(1, 6)]
        gone = {*generation(1).parts, *generation(2).parts} - {generation(1).parts[3]}
        assert surplus(generations(5, *known)) == gone | {"generations/1", "generations/2"}

    def test_of_those_that_are_the_same_one_counts(self):
        known = [generation(1), generation(2), *(generation(n, same_as=3) for n in (3, 4, 5))]
        assert surplus(generations(5, *known)) == {"generations/3", "generations/4"}

    def test_what_serves_stays_however_old_it_is(self):
        known = [generation(number) for number in range(1, 6)]
        found = generations(1, *known)
        assert known[0] in found.kept()
        assert "generations/2" in found.surplus()
        assert "generations/1" not in found.surplus()

    def test_what_was_tried_last_keeps_its_parts_and_is_tried_again_without_a_build(self):
        assert surplus(generations(1, generation(1), rejected(2))) == set()

    def test_what_was_rejected_before_is_remembered_without_its_parts(self):
        found = generations(3, generation(1), rejected(2), generation(3))
        assert surplus(found) == {*rejected(2).parts[:3]}

    def test_not_every_rejection_is_remembered_for_ever(self):
        known = [rejected(number) for number in range(1, REMEMBERED + 3)]
        last = generation(REMEMBERED + 3)
        gone = surplus(generations(last.number, *known, last))
        assert {name for name in gone if "generations" in name} == {
            "generations/1",
            "generations/2",
        }

    def test_what_a_candidate_left_goes(self):
        found = generations(3, generation(1), candidate(2), generation(3))
        assert surplus(found) == {*candidate(2).parts[:3], "generations/2"}

    @pytest.mark.parametrize("ending", [".partial", ".new", ".tar"])
    def test_what_a_cut_off_run_left_goes(self, ending: str):
        left = {f"{part}{ending}" for part in generation(2).parts[:3]} | {f"generations/2{ending}"}
        assert surplus(generations(1, generation(1)), *left) == left

    def test_what_a_comparison_left_that_lost_its_power_goes(self):
        assert surplus(generations(1, generation(1)), "comparison") == {"comparison"}

    def test_the_earlier_layout_s_names_go_when_nothing_needs_them(self):
        old = {
            f"whisper.cpp/build-v1.9.1-{fingerprint(1)}",
            f"whisper.cpp/build-v1.9.1-{fingerprint(2)}.partial",
            f"confirmed-{fingerprint(1)}",
        }
        assert surplus(generations(2, generation(1), generation(2)), *old) == old

    def test_a_downloaded_model_goes_with_the_last_that_needs_it(self):
        used, other = "whisper.cpp/models/ggml-small.en.bin", "whisper.cpp/models/ggml-tiny.bin"
        found = generations(1, generation(1), models=(used, other))
        assert found.surplus() == [other]

    @pytest.mark.parametrize(
        "theirs",
        [
            "whisper.cpp/build-vulkan", "whisper.cpp/build.by-hand", "whisper.cpp/build-v1.9.1",
            "whisper-proxy-venv", "whisper-proxy-venv.by-hand", "whisper-proxy-mine",
            "confirmed-by-me", "whisper-proxy.py", "whisper.cpp/builds/mine", "generations/mine",
            f"whisper.cpp/builds/{fingerprint(1)}", f"whisper-proxy-{fingerprint(1)}.by-hand",
            "whisper.cpp/models/ggml-own.bin",
        ],
    )  # fmt: skip
    def test_what_is_no_version_is_the_user_s(self, theirs: str):
        found = generations(1, generation(1))
        assert surplus(found, theirs) == set()
        assert theirs not in replace(found, versions=(theirs,)).own()


def resolved(tools: Toolchain = TOOLS, python: str | None = PYTHON, **changes: Any) -> str:
    return spec(**changes).resolve(tools, python).fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"build": replace(ON_CARD, release=Release("v1.9.2", "b" * 40))},
        {"build": replace(ON_CARD, release=Release("v1.9.1", "b" * 40))},
        {"build": ON_CPU},
        {"build": replace(ON_CARD, gpu_targets=("gfx1100", "gfx1101"))},
        {"build": replace(ON_CARD, gpu=replace(CARD, index=1))},
        {"tools": replace(TOOLS, versions=("rocblas 7.2-1", "c++ 15"))},
        {"python": "3.14"},
        {"python": None},
        {"model": replace(MODEL, sha256="cd" * 32)},
        {"settings": settings(whisper_port=4022)},
        {"settings": settings(proxy_host="0.0.0.0")},
        {"settings": settings(proxy_port=4023)},
        {"settings": settings(proxy_api_key_file="/key")},
        {"settings": settings(proxy_tls="internal")},
        {"settings": settings(proxy_cors_origins="*")},
        {"settings": settings(proxy_names="stt.lan")},
        {"settings": settings(proxy_page="no")},
        {"settings": settings(gpu_kfd="/kfd")},
        {"settings": settings(gpu_pci="/pci")},
        {"settings": settings(wyoming="127.0.0.1:10300")},
        {"templates": "3" * 12},
        {"proxy": "4" * 12},
        {"lock_sha256": "e" * 64},
    ],
    ids=str,
)
def test_the_fingerprint_changes_with_all_that_matters(changes: dict[str, Any]):
    assert resolved(**changes) != resolved()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"settings": settings(retry="yes")},
        {"settings": settings(whisper_known_defects={"v1.9.2": "miscompiles"})},
        {"settings": settings(whisper_version="v1.9.1")},
        {"settings": settings(uninstall_models="yes")},
        {"model_file": "ggml-small.en-abababababab.bin"},
        {"wyoming_lock_sha256": "f" * 64},
    ],
    ids=str,
)
def test_the_fingerprint_does_not_change_with_what_does_not_matter(changes: dict[str, Any]):
    assert resolved(**changes) == resolved()


def test_a_spec_is_told_by_release_and_model():
    assert spec().label == "whisper.cpp v1.9.1 with small.en"


EARLIER = [
    "build=whisper.cpp/builds/v1.9.1-0123456789ab",
    "proxy=whisper-proxy-1",
    "venv=whisper-proxy-venv-1",
    "model=whisper.cpp/models/ggml-tiny.en.bin",
    "server=127.0.0.1:4022",
    "listen=0.0.0.0:4023",
    "socket=yes",
    "server_revision=a",
    "proxy_revision=b",
]


def test_an_earlier_setup_becomes_generation_1():
    earlier = parse_earlier_setup(EARLIER)
    found = Generation.of(earlier.manifest("2026-11-22", transcribes=True))
    assert (found.number, found.status, found.when, found.adopted) == (
        1, "confirmed", "2026-11-22", True,
    )  # fmt: skip
    assert found.label == "whisper.cpp v1.9.1 with tiny.en"
    assert (found.listen, found.port, found.has_socket) == ("0.0.0.0:4023", 4022, True)
    assert (found.server_revision, found.proxy_revision) == ("a", "b")
    assert found.parts == (earlier.build, earlier.proxy, earlier.venv, earlier.model)
    assert (found.backend, found.gpu, found.model_size, found.fingerprint) == (None, None, None, "")


def test_what_does_not_transcribe_is_nothing_to_go_back_to():
    earlier = parse_earlier_setup(EARLIER)
    adopted = Generation.of(earlier.manifest("2026-11-22", transcribes=False))
    assert adopted.status == "candidate"
    assert generations(2, adopted, generation(2)).previous() is None


def test_what_was_set_up_by_hand_and_does_not_run_has_the_guide_s_ports():
    earlier = EarlierSetup(build="whisper.cpp/build.by-hand")
    found = Generation.of(earlier.manifest("2026-11-22", transcribes=False))
    assert found.label == "whisper.cpp as set up by hand"
    assert (found.listen, found.port, found.has_socket) == ("127.0.0.1:2023", 2022, False)
    assert replace(earlier, model="models/ggml-x.bin").label.endswith("by hand with x")


def test_an_earlier_setup_without_parts_leaves_nothing_out_of_account():
    adopted = Generation.of(EarlierSetup().manifest("", transcribes=True))
    assert surplus(generations(1, adopted)) == set()


def test_a_release_is_remembered_by_the_commit_that_was_last_confirmed():
    one, two, three = ({"label": "v1.9.1", "commit": digit * 40} for digit in "abc")
    found = generations(
        2, generation(1, release=one), generation(2, release=two), rejected(3, release=three)
    )
    assert found.commit_of("v1.9.1") == "b" * 40
    assert found.commit_of("v1.9.2") is None
    assert generations(1, generation(1)).commit_of("v1.9.1") is None, "it was adopted"


def test_one_with_another_part_is_no_spec_s_any_more():
    changed = generation(1).with_part("venv", "whisper-proxy-venv-3.14")
    assert "whisper-proxy-venv-3.14" in changed.parts
    assert len(changed.parts) == len(generation(1).parts)
    found = generations(1, changed)
    assert found.reusable(generation(1).fingerprint) is None
    assert found.reusable(changed.fingerprint) == changed


def test_what_the_idle_card_drew_is_known_of_that_card_alone():
    other = replace(CARD, address="0000:0a:00.0")
    found = generations(
        2,
        generation(1, gpu=CARD.to_json(), idle_watts=12.5),
        generation(2, gpu=other.to_json(), idle_watts=30),
        generation(3, gpu=CARD.to_json()),
        generation(4),
    )
    assert found.idle_watts(CARD) == 12.5
    assert found.idle_watts(replace(CARD, name="AMD Radeon RX 7800 XT")) == 12.5
    assert found.idle_watts(other) == 30
    assert found.idle_watts(replace(CARD, gfx="gfx1201")) is None
    assert found.idle_watts(None) is None
    assert Generations().idle_watts(CARD) is None
