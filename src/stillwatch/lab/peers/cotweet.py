"""Identical messages within a minute: the co-tweet rule of QUT's coordination-network-toolkit (Graham et al. 2020).

An edge joins two accounts that sent the same text (case and white space aside) within ``WINDOW`` seconds at least
``WEIGHT`` times; the toolkit's default for the weight, and the usual minute for the window. Components are groups.
"""

from __future__ import annotations

import numpy as np

from stillwatch.lab.peers.base import Found, World, connected, large

WINDOW = 60
WEIGHT = 2


def detect(world: World) -> Found:
    """Components of the co-tweet graph."""
    pairs = world.db.execute(
        f"""WITH said AS (
            SELECT account_id, epoch_us(ts) AS at, md5(lower(trim(regexp_replace(prompt, '\\s+', ' ', 'g')))) AS text
            FROM exchanges WHERE prompt IS NOT NULL
        ) SELECT a.account_id, b.account_id, count(*) FROM said AS a JOIN said AS b
            ON a.text = b.text AND a.account_id < b.account_id AND b.at BETWEEN a.at - $w AND a.at + $w
        GROUP BY ALL HAVING count(*) >= {WEIGHT} ORDER BY ALL""",
        {"w": WINDOW * 1_000_000},
    ).fetchall()
    place = {name: n for n, name in enumerate(world.accounts)}
    left, right, weight = np.array([(place[a], place[b], n) for a, b, n in pairs], dtype=np.int64).reshape(-1, 3).T
    label = connected(left, right, len(world.accounts))
    strength = np.bincount(left, weight, len(place)) + np.bincount(right, weight, len(place))
    return large(world.accounts, label, 1 - 1 / (1 + strength), "co-tweet")
