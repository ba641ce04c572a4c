"""The table of hosts at the end of a run, and its failures by their cause."""

from tests.generations import CARD, generation
from voicemode_whisper.core.gpu import Gpu
from voicemode_whisper.core.hosts_table import HostResult, causes, table

RELEASE = {"release": {"label": "v1.9.1", "commit": "a" * 40}}
NAMED = Gpu(0, "gfx1100", 24 << 30, "0000:03:00.0", "AMD Radeon RX 7900 XTX")


def test_each_host_is_a_line_with_what_serves_there_and_what_was_done():
    results = [
        HostResult(
            "desktop.lan", generation(7, backend="hip", gpu=NAMED.to_json(), **RELEASE), 12, 301.04
        ),
        HostResult("a", generation(1, backend="cpu", **RELEASE), 0, 2.96),
        HostResult("b", None, 1, 0.0, "disk: is full"),
        HostResult("c", generation(2, backend="vulkan", gpu=CARD.to_json(), **RELEASE), 0, 1.0),
    ]  # fmt: skip
    assert table(results) == [
        "host         release  backend  device"
        "                                                  changed  seconds",
        "desktop.lan  v1.9.1   HIP      AMD Radeon RX 7900 XTX (gfx1100, 24 GiB, 0000:03:00.0)"
        "  12       301.0",
        "a            v1.9.1   CPU      CPU"
        "                                                     -        3.0",
        "b            -        -        -"
        "                                                       1        0.0      failed",
        "c            v1.9.1   Vulkan   AMD GPU (gfx1101, 16 GiB)"
        "                               -        1.0",
    ]


def test_what_was_set_up_by_hand_has_what_is_known_of_it():
    adopted = generation(1, label="whisper.cpp as set up by hand", backend=None)
    _, line = table([HostResult("a", adopted)])
    assert line.split() == ["a", "-", "-", "-", "-", "0.0"]


def test_a_cause_is_a_line_with_all_hosts_that_it_hit_the_most_frequent_first():
    results = [
        HostResult("a", cause="sudo: asks for a password"),
        HostResult("b"),
        HostResult("c", cause="disk: is full"),
        HostResult("d", cause=""),
        HostResult("e", cause="disk: is full"),
    ]
    assert causes(results) == [
        "c, e: disk: is full",
        "a: sudo: asks for a password",
        "d: failed as told above",
    ]


def test_where_nothing_failed_there_is_no_cause():
    assert causes([HostResult("a"), HostResult("b")]) == []
