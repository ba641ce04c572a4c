"""What is counted of ninja's output, and the table that follows."""

from bench import builds
from bench.builds import (
    DEPLOY,
    GUIDE,
    Sample,
    compilations,
    edges,
    estimate,
    objects,
    table,
)

PLAN = """\
ninja: Entering directory `build'
[1/7] Building C object ggml/src/ggml.c.o
[2/7] Building CXX object src/whisper.cpp.o
[3/7] Building HIP object ggml/src/ggml-hip/acc.cu.o
[4/7] Building HIP object ggml/src/ggml-hip/add.cu.o
[5/7] Linking HIP static library ggml/src/ggml-hip/libggml-hip.a
[6/7] Creating library symlink src/libwhisper.so
[7/7] Linking CXX executable bin/whisper-cli
"""

COUNTS = {
    DEPLOY.name: {"C": 6, "CXX": 26, "HIP": 138, "link": 8},
    GUIDE.name: {"C": 6, "CXX": 41, "HIP": 138, "link": 23},
}


def row(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} ")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_edges_are_counted_by_what_they_make():
    assert edges(PLAN.splitlines()) == {"C": 1, "CXX": 1, "HIP": 2, "link": 2}


def test_objects_are_named_by_language():
    assert objects(PLAN.splitlines(), "C") == ["ggml/src/ggml.c.o"]
    assert [name.rpartition("/")[2] for name in objects(PLAN.splitlines(), "HIP")] == [
        *("acc.cu.o", "add.cu.o")
    ]


def test_a_file_of_hip_is_compiled_once_for_each_architecture():
    assert compilations(edges(PLAN.splitlines()), architectures=3) == 2 + 2 * 3


def test_what_three_architectures_cost_more_is_as_in_the_samples():
    samples = [Sample("small", 1, 2), Sample("large", 9, 28)]
    found = estimate(samples, hip=100, rest={DEPLOY.name: 10, GUIDE.name: 20})
    assert found == {DEPLOY.name: 110, GUIDE.name: 320}


def test_the_table_has_the_ratios_and_says_whether_the_goal_is_met():
    text = table(COUNTS, {DEPLOY.name: 400, GUIDE.name: 1000})
    assert row(text, "files of HIP") == ["138 (1.00)", "138 (1.00)", "", ""]
    assert row(text, "files times architectures") == ["170 (0.37)", "461 (1.00)", "", ""]
    assert row(text, "CPU seconds") == ["400 (0.40)", "1000 (1.00)", "≤ 0.4 of it", "met"]
    assert "missed" in table(COUNTS, {DEPLOY.name: 401, GUIDE.name: 1000})


def test_the_report_says_where_the_counts_are_from():
    assert "files counted now" in builds.report(COUNTS)
    assert "files counted then too" in builds.report(None)
    assert builds.recorded().measured in builds.report(None)


def test_this_deploy_is_the_one_that_is_deployed():
    assert "-DAMDGPU_TARGETS=gfx1101" in DEPLOY.arguments
    assert DEPLOY.targets == ("whisper-server", "whisper-cli")
