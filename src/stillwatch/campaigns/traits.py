"""Plain facts of a group that honest explanations predict something about."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.campaigns.places import households
from stillwatch.kernels.coding import dealt, grouped, repeated_codes, shared_rows
from stillwatch.kernels.hashing import hash_strings
from stillwatch.kernels.rhythm import own_clock
from stillwatch.signals.base import Group
from stillwatch.signals.population import DAY_US, Population, Values
from stillwatch.signals.timing import sequences


class Traits(NamedTuple):
    """Shares are of the group's accounts (or of its sub-stream's exchanges where named so), 0…1; NaN = unknown."""

    accounts: int
    customers: int
    exchanges: int
    top_customer: float
    payers: float
    """Distinct payment instruments per account with one; 1 = everybody pays alone."""
    top_payer: float
    owners: int
    """Distinct payers; an account without a known one is its own."""
    owned: float
    """Share of accounts of which a payer, a device, a phone or a declared customer is known."""
    open_owner: float
    """Share of accounts whose payer pays for three or more, all of one mail domain that is nobody else's."""
    top_domain: float
    """Share of the commonest mail domain that is concentrated in the group (public providers do not count)."""
    verified: float
    """Share with business or identity verification."""
    top_programme: float
    programme: int
    repeated: float
    """Share of the sub-stream's known prompts that two or more customers sent."""
    distinct_prompts: int
    coverage: float
    """Median share of the group's distinct prompts that one account sent: near 1 for a benchmark, 1/accounts for a
    corpus dealt out."""
    per_account: float
    """Median exchanges per account in the sub-stream."""
    per_day: float
    """The same per day of the sub-stream's span (at least one)."""
    clockwork: float
    busiest_hours: float
    """Share of the sub-stream in its busiest two hours."""
    substream: float
    """Share of the members' exchanges that lie in the sub-stream."""
    concentrated: float
    """Fewest hours that hold 80 % of the sub-stream, as a share of the log's hours; NaN for logs under 20 hours."""
    top_network: float
    """Share of members seen on the group's commonest network."""
    networks: float
    """Networks per member, each member counted on the one it shares with most others; 1 = everybody has its own."""
    households: float
    """Share of members that share a hand or a home with a few others, and with nobody beyond them."""


def _top(values: npt.NDArray[np.uint64]) -> tuple[float, int]:
    known = values[values != 0]
    if not len(known):
        return float("nan"), 0
    names, counts = np.unique(known, return_counts=True)
    return float(counts.max() / len(values)), int(names[counts.argmax()])


def traits(population: Population, group: Group) -> Traits:
    """Compute the traits of a group."""
    accounts, rows = group.accounts, group.rows
    table = population.table
    customer = population.customer[accounts]
    payment = table["payment_fingerprint"][accounts]
    known_payment = payment[payment != 0]
    domain = table["email_domain"]
    top_domain, name = _top(domain[accounts])
    if name and (domain == np.uint64(name)).sum() > 2 * (domain[accounts] == np.uint64(name)).sum():
        top_domain = 0.0
    programme, programme_name = _top(table["programme"][accounts])
    codes, n_codes = prompt_codes(population)
    by = population.customer[population.account[rows]]
    prompts = dealt(codes, rows, *grouped(by, population.size), n_codes)
    repeated, distinct, coverage = float("nan"), prompts.distinct, float("nan")
    if prompts.known:
        coverage = float(np.median(prompts.each[prompts.each > 0]) / distinct)
        repeated = prompts.repeated / prompts.known
    ts, indptr = sequences(population, rows, accounts)
    held = np.diff(indptr)
    clock = own_clock(ts, indptr)
    hours = np.bincount((population.ts[rows] - population.ts[rows[0]]) // 3_600_000_000) if len(rows) else np.zeros(1)
    pairs_of_hours = hours[:-1] + hours[1:] if len(hours) > 1 else hours
    top_network, networks = _networks(population.kinds["network"], accounts)
    return Traits(
        accounts=len(accounts),
        customers=len(np.unique(customer)),
        exchanges=len(rows),
        top_customer=float(np.unique(customer, return_counts=True)[1].max() / len(accounts)),
        payers=float(len(np.unique(known_payment)) / len(known_payment)) if len(known_payment) else float("nan"),
        top_payer=_top(payment)[0],
        owners=len(np.unique(known_payment)) + int((payment == 0).sum()),
        owned=_owned(population, accounts),
        open_owner=float(openly_owned(population, accounts).mean()),
        top_domain=top_domain,
        verified=_verified(population, accounts),
        top_programme=programme,
        programme=programme_name,
        repeated=repeated,
        distinct_prompts=distinct,
        coverage=coverage,
        per_account=float(np.median(held)) if len(held) else 0.0,
        per_day=float(np.median(held)) / max(float(np.ptp(population.ts[rows])) / DAY_US, 1.0) if len(rows) else 0.0,
        clockwork=float(np.nanmean(clock)) if np.isfinite(clock).any() else float("nan"),
        busiest_hours=float(pairs_of_hours.max() / max(len(rows), 1)),
        concentrated=_concentrated(population, rows),
        substream=len(rows) / max(int(population.counts[accounts].sum()), 1),
        top_network=top_network,
        networks=networks,
        households=households(population, accounts),
    )


def _networks(net: Values, accounts: npt.NDArray[np.int32]) -> tuple[float, float]:
    """Share of members on the commonest network, and networks per member."""
    seen = int(np.count_nonzero(net.holds[accounts]))
    if not seen:
        return float("nan"), float("nan")
    owner, held = net.held_by(accounts)
    members = np.bincount(held, minlength=net.size)
    order = np.lexsort((held, -members[held], owner))
    first = np.ones(len(order), np.bool_)
    first[1:] = owner[order][1:] != owner[order][:-1]
    alone = seen - int(first.sum())
    return max(int(members.max(initial=0)), 1) / len(accounts), (len(np.unique(held[order][first])) + alone) / seen


def _owned(population: Population, accounts: npt.NDArray[np.int32]) -> float:
    table = population.table
    known = (table["org_id"] != 0) | (table["org_of_exchanges"] != 0)
    for column in ("payment_fingerprint", "device_fingerprint", "phone_fingerprint"):
        known |= table[column] != 0
    return float(known[accounts].mean())


def openly_owned(population: Population, accounts: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Which of some accounts have a payer of three or more of them, all of one mail domain that is nobody else's."""
    payer, own = _payers(population)
    mine, domain = payer[accounts], population.table["email_domain"][accounts]
    order = np.lexsort((domain, mine))
    mine, domain = mine[order], domain[order]
    first = np.flatnonzero(np.diff(mine, prepend=-2))
    last = np.append(first[1:], len(mine))[: len(first)] - 1
    one_domain = (domain[first] == domain[last]) & (domain[first] != 0)
    openly = one_domain & (last - first >= 2) & (mine[first] >= 0)
    out = np.zeros(len(accounts), np.bool_)
    out[order] = np.repeat(openly, last - first + 1)
    return out & own[accounts]


def _payers(population: Population) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Each account's payer (-1: unknown), and whether it pays for at least 80 % of the accounts of its mail domain."""
    if "payers" not in population.cache:
        payment, domain = population.table["payment_fingerprint"], population.table["email_domain"]
        _, payer = np.unique(payment, return_inverse=True)
        _, house, all_of_it = np.unique(domain, return_inverse=True, return_counts=True)
        _, both, his = np.unique(house * (payer.max() + 1) + payer, return_inverse=True, return_counts=True)
        population.cache["payers"] = np.where(payment == 0, -1, payer), his[both] / all_of_it[house] >= 0.8
    found: tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]] = population.cache["payers"]
    return found


def prompt_codes(population: Population) -> tuple[npt.NDArray[np.int32], int]:
    """A code per exchange for prompts that came more than once (see :func:`repeated_codes`), and how many there are."""
    if "prompt_codes" not in population.cache:
        codes, names = repeated_codes(population.columns["prompt"])
        population.cache["prompt_codes"] = codes, len(names)
    found: tuple[npt.NDArray[np.int32], int] = population.cache["prompt_codes"]
    return found


def repeated_share(population: Population) -> npt.NDArray[np.float64]:
    """Per account the share of its exchanges whose prompt other customers sent too (n,)."""
    if "repeated_share" not in population.cache:
        codes, n_codes = prompt_codes(population)
        repeated = shared_rows(codes, *population.by_account, population.customer, n_codes)
        population.cache["repeated_share"] = repeated / population.counts
    out: npt.NDArray[np.float64] = population.cache["repeated_share"]
    return out


def _concentrated(population: Population, rows: npt.NDArray[np.int32]) -> float:
    hours = int((population.ts[-1] - population.ts[0]) // 3_600_000_000) + 1
    if hours < 20 or not len(rows):
        return float("nan")
    counts = np.sort(np.bincount((population.ts[rows] - population.ts[0]) // 3_600_000_000, minlength=hours))[::-1]
    return float((np.searchsorted(np.cumsum(counts), 0.8 * len(rows)) + 1) / hours)


def _verified(population: Population, accounts: npt.NDArray[np.int32]) -> float:
    level = population.table["verification"][accounts]
    if not level.any():
        return float("nan")
    return float(np.isin(level, named("business", "id")).mean())


def named(*names: str) -> npt.NDArray[np.uint64]:
    """The hashes under which words of the contract's vocabulary are stored."""
    out: npt.NDArray[np.uint64] = hash_strings(pa.array(names))
    return out
