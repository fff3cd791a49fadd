"""Templates: the fixed parts that many accounts' requests share, found from fingerprints alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stillwatch.engine import Engine
from stillwatch.kernels.groups import union_find

I64 = npt.NDArray[np.int64]

LEAST_ACCOUNTS = 6
HUGE_SHARE = 0.3
CO_OCCURRENCE = 0.5
COVERAGE = 0.5


class TemplateRows(NamedTuple):
    """(exchange row, template) pairs: ``template`` is a stable 64-bit name; ``blocks`` the fingerprints in it."""

    rows: I64
    template: npt.NDArray[np.uint64]
    blocks: npt.NDArray[np.int32]
    huge: int
    """Fingerprints held by more than 30 % of all accounts: left out, and reported."""


def find_templates(engine: Engine, n_accounts: int) -> TemplateRows:
    """Fingerprints that at least six accounts share, joined into templates by adjacent co-occurrence.

    Two neighbouring shared fingerprints belong together when they follow each other in at least half of the
    exchanges that hold the commoner one. An exchange uses a template when it holds at least half of its
    fingerprints. Method: winnowing (Schleimer et al. 2003) for the marks; the joining is ours.
    """
    engine.sql(
        "shared_fingerprints",
        f"""SELECT fingerprint, row_number() OVER (ORDER BY fingerprint) - 1 AS code, accounts, uses FROM (
            SELECT fingerprint, count(DISTINCT account) AS accounts, count(*) AS uses FROM fingerprints
            GROUP BY fingerprint HAVING count(DISTINCT account) >= {LEAST_ACCOUNTS}) AS f""",
    )
    table = engine.collect("SELECT fingerprint, accounts, uses FROM shared_fingerprints ORDER BY code")
    fingerprint = table["fingerprint"].to_numpy().astype(np.uint64)
    accounts = table["accounts"].to_numpy().astype(np.int64)
    uses = table["uses"].to_numpy().astype(np.int64)
    huge = accounts > max(HUGE_SHARE * n_accounts, 50)
    pairs = engine.collect(
        """SELECT r.row AS row, s.code AS code FROM fingerprints AS f
           JOIN shared_fingerprints AS s ON s.fingerprint = f.fingerprint
           JOIN row_numbers AS r ON r.rid = f.rid ORDER BY r.row, f.position"""
    )
    row = pairs["row"].to_numpy().astype(np.int64)
    code = pairs["code"].to_numpy().astype(np.int64)
    keep = ~huge[code] if len(code) else np.zeros(0, np.bool_)
    row, code = row[keep], code[keep]
    n = len(fingerprint)
    if not len(row):
        empty = np.zeros(0, np.int64)
        return TemplateRows(empty, np.zeros(0, np.uint64), np.zeros(0, np.int32), int(huge.sum()))
    beside = row[1:] == row[:-1]
    low = np.minimum(code[1:], code[:-1])[beside]
    high = np.maximum(code[1:], code[:-1])[beside]
    edges, together = np.unique(low * n + high, return_counts=True)
    left, right = edges // n, edges % n
    strong = (together >= CO_OCCURRENCE * np.maximum(uses[left], uses[right])) & (left != right)
    component = union_find(n, left[strong], right[strong]).astype(np.int64)
    blocks = np.bincount(component, minlength=n).astype(np.int32)
    # A template's name must not depend on which other fingerprints the log holds: the smallest of its own.
    name = np.full(n, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(name, component, fingerprint)
    held, marks = np.unique(row * n + component[code], return_counts=True)
    use_row, use_component = held // n, held % n
    enough = marks >= COVERAGE * blocks[use_component]
    use_row, use_component = use_row[enough], use_component[enough]
    return TemplateRows(use_row, name[use_component], blocks[use_component], int(huge.sum()))
