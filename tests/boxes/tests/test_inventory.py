"""The inventory is Python that pyinfra reads."""

from tests.boxes import inventory


def test_hosts_and_group_data_come_back_from_the_text() -> None:
    names: dict[str, object] = {}
    exec(inventory.text({"alpha": "10.9.8.2"}, {"ssh_user": "ada"}), names)
    assert names["boxes"] == ([("alpha", {"ssh_hostname": "10.9.8.2"})], {"ssh_user": "ada"})


def test_no_boxes_are_an_empty_group() -> None:
    names: dict[str, object] = {}
    exec(inventory.text({}, {}), names)
    assert names["boxes"] == ([], {})
