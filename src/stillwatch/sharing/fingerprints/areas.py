"""Areas of the network: 256 addresses of IPv4, 256 sites of IPv6. Nothing narrower ever leaves a provider.

A /48 of IPv6 may be one household as an address of IPv4 may (RIPE-690 advises /48 to /56 per customer), so the area
that corresponds to a /24 is a /40.
"""

from __future__ import annotations

import ipaddress

import pyarrow as pa
import pyarrow.compute as pc

BITS = {4: 24, 6: 40}


def area(address: str) -> str | None:
    """The area as a prefix; None for what is no address, or none that is routed in public.

    >>> area("8.8.4.7"), area("2001:4860:4860::8888"), area("10.0.0.1"), area("somewhere")
    ('8.8.4.0/24', '2001:4860:4800::/40', None, None)
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    if not found.is_global or found.is_multicast:
        return None
    return str(ipaddress.ip_network((int(found) if found.version == 4 else found.packed, BITS[found.version]), False))


def areas(addresses: pa.Array) -> pa.Array:
    """Areas of a column; each distinct address is read once."""
    coded = pc.dictionary_encode(addresses)
    names = pa.array([area(a) for a in coded.dictionary.to_pylist()], pa.string())
    return names.take(coded.indices)
