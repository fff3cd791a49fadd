"""Addresses: the published test vectors of Crypto-PAn, and what prefix-preserving means."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.evidence.addresses import PrefixPreserving

KEY = bytes.fromhex("15 22 17 8d 33 a4 cf 80 13 0a 5b 16 49 90 7d 10 d8 98 8f 83 79 79 65 27 62 57 4c 2d 2a 84 22 02")
"""The key of the authors' sample program."""
PUBLISHED = {
    "128.11.68.132": "135.242.180.132",
    "129.118.74.4": "134.136.186.123",
    "130.132.252.244": "133.68.164.234",
    "141.223.7.43": "141.167.8.160",
    "141.233.145.108": "141.129.237.235",
    "152.163.225.39": "151.140.114.167",
    "156.29.3.236": "147.225.12.42",
    "165.247.96.84": "162.9.99.234",
    "166.107.77.190": "160.132.178.185",
    "192.102.249.13": "252.138.62.131",
}
MAPPED = PrefixPreserving(KEY)


def common(a: int, b: int, bits: int) -> int:
    return bits - (a ^ b).bit_length()


def test_the_sample_trace_of_the_authors_comes_out() -> None:
    assert MAPPED.pseudonyms(PUBLISHED) == PUBLISHED


@given(st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=20))
def test_ipv4_keeps_exactly_the_prefixes(values: list[int]) -> None:
    out = MAPPED.forward(values, 32)
    assert all(common(a, b, 32) == common(out[a], out[b], 32) for a in values for b in values)


@given(st.integers(0, 2**128 - 1), st.integers(0, 127))
def test_ipv6_keeps_exactly_the_prefixes_and_leads_back(value: int, bit: int) -> None:
    other = value ^ (1 << bit)
    out = MAPPED.forward([value, other], 128)
    assert common(value, other, 128) == common(out[value], out[other], 128)
    assert MAPPED.back(out[value], 128) == value


def test_what_is_no_address_has_no_address_for_a_name() -> None:
    assert MAPPED.pseudonyms(["unknown", "999.1.1.1", ""]) == {}
    with pytest.raises(ValueError, match="nobody"):
        MAPPED.original("nobody")


def test_text_leads_back() -> None:
    for text in ("192.0.2.1", "2001:db8::7"):
        assert MAPPED.original(MAPPED.pseudonyms([text])[text]) == str(ipaddress.ip_address(text))
