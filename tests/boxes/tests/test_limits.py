"""More boxes than the kernel lets come up are refused in a line that mends it."""

import pytest

from tests.boxes import limits
from tests.boxes.shell import BoxError


def test_what_debian_allows_is_enough_for_23_boxes() -> None:
    assert limits.too_many(23, 128) is None
    assert limits.too_many(24, 128) == (
        "24 boxes need about 130 instances of inotify, and the kernel allows 128: "
        "run sysctl fs.inotify.max_user_instances=260"
    )


def test_the_line_is_what_a_box_raises(tmp_path, monkeypatch) -> None:
    allowed = tmp_path / "max_user_instances"
    allowed.write_text("128\n")
    monkeypatch.setattr(limits, "INSTANCES", allowed)
    limits.check(3)
    with pytest.raises(BoxError, match="max_user_instances="):
        limits.check(25)
