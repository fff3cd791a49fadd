"""Templates of a campaign, as sets of winnowing marks that are its own: what others can look for without its words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stillwatch.engine import Engine
from stillwatch.kernels.groups import union_find
from stillwatch.signals.templates import CO_OCCURRENCE, COVERAGE, LEAST_BLOCKS

MOST_ROWS = 2_000_000
"""Marks of a campaign's exchanges that are looked at, in the order of the log: templates repeat long before."""
MOST_MARKS = 64


class OwnTemplate(NamedTuple):
    """One template; counts are over the exchanges looked at."""

    name: str
    """Its smallest mark."""
    marks: tuple[str, ...]
    accounts: int
    others: int
    """The most that any of its marks has outside all campaigns."""
    exchanges: int
    first_us: int
    last_us: int


def find_templates(engine: Engine, campaign: int, *, least: int) -> list[OwnTemplate]:
    """Own marks that follow one another in at least half of the uses of the commoner one belong together.

    The joining is that of :func:`signals.templates.find_templates`, over ``own_mark`` instead of all shared marks.
    """
    table = engine.collect(
        f"""SELECT f.rid AS rid, f.account AS account, f.fingerprint AS mark, o.others AS others, e.ts AS ts
            FROM fingerprints AS f JOIN own_mark AS o ON o.value = f.fingerprint AND o.campaign = {campaign}
            JOIN people AS p ON p.account = f.account AND p.campaign = {campaign}
            JOIN exchanges AS e ON e.rid = f.rid ORDER BY f.rid, f.position LIMIT {MOST_ROWS}"""
    )
    if not table.num_rows:
        return []
    rid, account, ts = (table[name].to_numpy() for name in ("rid", "account", "ts"))
    marks, code = np.unique(table["mark"].to_numpy(), return_inverse=True)
    others = np.zeros(len(marks), np.int64)
    others[code] = table["others"].to_numpy()
    uses = np.bincount(code)
    beside = rid[1:] == rid[:-1]
    low, high = np.minimum(code[1:], code[:-1])[beside], np.maximum(code[1:], code[:-1])[beside]
    edges, together = np.unique(low * len(marks) + high, return_counts=True)
    left, right = edges // len(marks), edges % len(marks)
    strong = (together >= CO_OCCURRENCE * np.maximum(uses[left], uses[right])) & (left != right)
    component = union_find(len(marks), left[strong], right[strong]).astype(np.int64)
    blocks = np.bincount(component, minlength=len(marks))
    held, count = np.unique(rid * len(marks) + component[code], return_counts=True)
    place = np.searchsorted(rid, held // len(marks))
    part = held % len(marks)
    out = []
    for which in np.flatnonzero(blocks >= LEAST_BLOCKS).tolist():
        at = place[(part == which) & (count >= COVERAGE * blocks[which])]
        holders = len(np.unique(account[at]))
        if holders >= least:
            mine = component == which
            names = [f"{int(m):016x}" for m in marks[mine][:MOST_MARKS]]
            out.append(
                OwnTemplate(
                    names[0],
                    tuple(names),
                    holders,
                    int(others[mine].max()),
                    len(at),
                    int(ts[at].min()),
                    int(ts[at].max()),
                )
            )
    return out
