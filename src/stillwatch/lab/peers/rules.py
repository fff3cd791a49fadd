"""Per-account rules in the style of advisory AA26-251A: new accounts at maximum use, usage against plan, shared means.

Thresholds are round numbers chosen before any run and tuned on nothing. Two rules flag an account; flagged accounts
that share a card or an address are shown as one group.
"""

from __future__ import annotations

import numpy as np

from stillwatch.lab.peers.base import Found, World, connected

RULES = {
    "new account at high use": "young AND per_day > high",
    "use beyond the plan": "per_day > plan_high",
    "round the clock": "hours >= 20",
    "asks for hidden reasoning": "extraction >= 3",
    "shared address": "address_accounts >= 10",
    "shared card": "payment_accounts >= 5",
    "no client named": "unnamed > 0.5",
    "shared fixed prompt": "system_accounts >= 20",
}
ENOUGH = 2


def detect(world: World) -> Found:
    """Count rules per account."""
    world.db.execute(_FEATURES).fetchall()
    fired = ", ".join(f"coalesce({rule}, false)::INT" for rule in RULES.values())
    rows = world.db.execute(
        f"SELECT account_id, address, payment, {fired} FROM features ORDER BY account_id"
    ).fetchall()
    names = [r[0] for r in rows]
    count = np.array([sum(r[3:]) for r in rows], dtype=np.int64)
    flagged = count >= ENOUGH
    left, right = [], []
    for column in (1, 2):
        first: dict[str, int] = {}
        for number in np.flatnonzero(flagged).tolist():
            value = rows[number][column]
            if value is not None:
                left.append(first.setdefault(value, number))
                right.append(number)
    label = connected(np.array(left, dtype=np.int64), np.array(right, dtype=np.int64), len(rows))
    groups = [f"rules-{n}" if f else None for n, f in zip(label.tolist(), flagged.tolist(), strict=True)]
    return Found(names, groups, (count / len(RULES)).tolist())


_FEATURES = """
CREATE TABLE features AS
WITH use AS (
    SELECT account_id, count(*) AS exchanges, min(ts) AS first, count(DISTINCT hour(ts)) AS hours,
        count(*) FILTER (refusal_category = 'reasoning_extraction') AS extraction,
        avg((user_agent IS NULL)::INT) AS unnamed, mode(client_ip) AS address, mode(system_prompt) AS system
    FROM exchanges GROUP BY account_id
), span AS (
    SELECT greatest(epoch(max(ts) - min(ts)) / 86400, 0.04) AS days FROM exchanges
), known AS (
    SELECT u.*, a.plan, a.payment_fingerprint AS payment, u.exchanges / s.days AS per_day,
        a.created_at > u.first - INTERVAL 14 DAY AS young
    FROM use AS u CROSS JOIN span AS s LEFT JOIN accounts AS a USING (account_id)
)
SELECT *, quantile_cont(per_day, 0.98) OVER () AS high,
    quantile_cont(per_day, 0.99) OVER (PARTITION BY plan) AS plan_high,
    CASE WHEN address IS NOT NULL THEN count(*) OVER (PARTITION BY address) END AS address_accounts,
    CASE WHEN payment IS NOT NULL THEN count(*) OVER (PARTITION BY payment) END AS payment_accounts,
    CASE WHEN system IS NOT NULL THEN count(*) OVER (PARTITION BY system) END AS system_accounts
FROM known
"""
