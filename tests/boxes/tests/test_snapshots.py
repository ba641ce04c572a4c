"""Snapshots are layers with a name."""

from pathlib import Path

import pytest

from tests.boxes import snapshots, state
from tests.boxes.shell import BoxError
from tests.boxes.state import Record


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    """A box that has written a file, on a base of one layer."""
    monkeypatch.setattr(state, "RUN", tmp_path / "run")
    monkeypatch.setattr(snapshots, "SNAPSHOTS", tmp_path / "snapshots")
    (tmp_path / "base").mkdir()
    record = Record("alpha", 2, (str(tmp_path / "base"),))
    record.save()
    write(record, "one")
    return record


def write(record: Record, text: str) -> None:
    record.upper.mkdir()
    (record.upper / "file").write_text(text)


def test_a_snapshot_lies_between_the_box_and_its_base(box: Record) -> None:
    above = snapshots.take(box, "first")
    assert snapshots.layers("first") == above.layers
    assert above.layers[1:] == box.layers
    assert (Path(above.layers[0]) / "file").read_text() == "one"
    assert state.load("alpha") == above


def test_snapshots_stack(box: Record) -> None:
    above = snapshots.take(box, "first")
    write(above, "two")
    assert snapshots.take(above, "second").layers[1:] == above.layers


def test_a_snapshot_below_a_box_is_not_replaced(box: Record) -> None:
    above = snapshots.take(box, "first")
    write(above, "two")
    with pytest.raises(BoxError, match="below a box"):
        snapshots.take(above, "first")


def test_one_that_nobody_uses_is_replaced(box: Record) -> None:
    snapshots.take(box, "first")
    box.save()
    write(box, "two")
    above = snapshots.take(box, "first")
    assert (Path(above.layers[0]) / "file").read_text() == "two"


def test_a_snapshot_whose_base_is_gone_is_none_and_is_pruned(box: Record) -> None:
    snapshots.take(box, "first")
    box.save()
    Path(box.layers[0]).rmdir()
    assert snapshots.layers("first") is None
    snapshots.prune()
    assert not list(snapshots.SNAPSHOTS.iterdir())


@pytest.mark.parametrize("label", ["", "../x", "A", "a b"])
def test_a_label_is_a_plain_name(box: Record, label: str) -> None:
    with pytest.raises(BoxError, match="bad snapshot label"):
        snapshots.take(box, label)
