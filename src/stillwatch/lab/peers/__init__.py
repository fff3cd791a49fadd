"""Other people's methods in the same harness: each reads a world and writes a case that ``lab evaluate`` can score.

Not here: coordination-network-toolkit itself (MIT, but without a release since July 2022, and it brings a Twitter
client); its rule is in :mod:`stillwatch.lab.peers.cotweet`.
"""

from __future__ import annotations

from stillwatch.lab.peers import communities, cotweet, linkage, rules
from stillwatch.lab.peers.base import Peer

PEERS: dict[str, Peer] = {
    "rules": rules.detect,
    "co-tweet": cotweet.detect,
    "minhash": communities.detect,
    "splink": linkage.detect,
}
"""Rules in the style of the public advisory, identical prompts, near-identical prompts, record linkage."""
