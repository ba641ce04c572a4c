"""Addresses that collide with nobody's."""

from ipaddress import IPv4Network
from itertools import islice

import pytest

from tests.boxes import network
from tests.boxes.shell import BoxError


def test_a_tag_always_gets_the_same_network() -> None:
    assert network.choose("a", []) == network.choose("a", [])


def test_two_tags_get_two_networks() -> None:
    assert network.choose("a", []) != network.choose("b", [])


def test_candidates_are_private_and_away_from_the_crowded_start_of_ten() -> None:
    for candidate in network.candidates("a"):
        assert candidate.subnet_of(IPv4Network("10.0.0.0/8"))
        assert not candidate.overlaps(IPv4Network("10.0.0.0/10"))


def test_a_network_that_is_routed_already_is_passed_over() -> None:
    first, second = islice(network.candidates("a"), 2)
    assert network.choose("a", [first.supernet(new_prefix=16)]) == second


def test_where_all_is_routed_there_is_no_network() -> None:
    with pytest.raises(BoxError, match="no free network"):
        network.choose("a", [IPv4Network("10.0.0.0/8")])


def test_interface_names_fit() -> None:
    assert all(len(network.namespace(index)) <= 15 for index in network.INDEXES)


def test_hardware_addresses_are_local_and_of_one_machine_each() -> None:
    addresses = {network.hardware_address(index) for index in network.INDEXES}
    assert len(addresses) == len(network.INDEXES)
    assert all(int(address[:2], 16) & 0b11 == 0b10 for address in addresses)
