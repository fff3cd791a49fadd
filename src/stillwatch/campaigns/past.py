"""A scan on top of earlier ones: what is recalled before it, recognised in it, carried on and learnt from it.

Attaching (``Past.carried``): an account that is new since its campaign became known joins it alone, without a group of
its own, where it shows the campaign's work and the campaign's program. Null: it is one of the accounts that are no
members, of which the signature would have taken in ``chance``; that figure is the account's q-value and must be within
the rate. Where accounts from before the campaign show the work too, it has become everybody's, and nobody joins.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.campaigns.build import Names, taken
from stillwatch.campaigns.detect import SAME, Found, Settings
from stillwatch.campaigns.registry import (
    ACCOUNTS,
    CAMPAIGNS,
    KnownCampaign,
    Registry,
    Taken,
    counted,
    grown,
    members_of,
    places,
    together,
    without_text,
)
from stillwatch.campaigns.signature import (
    LEARNT_FROM,
    MEMBERS,
    OTHERS,
    Known,
    Others,
    Signature,
    carriers,
    first_rows,
    learn,
    sample,
)
from stillwatch.domain.verdict import ACCOUNT_VERDICTS, Campaign, CaseResult, Evidence, Family
from stillwatch.engine import Engine
from stillwatch.kernels.hashing import hash_strings
from stillwatch.kernels.sorted import among, distinct
from stillwatch.links.candidates import LEAST_MEMBERS
from stillwatch.signals.base import Group, cut
from stillwatch.signals.population import Population, union
from stillwatch.state import Staged, State

B1 = npt.NDArray[np.bool_]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

OVERLAP = 0.3
"""Of a group's accounts, or of a known campaign's that are there, from which the group is that campaign."""
PUBLIC = 0.002
"""Share of the accounts from before a campaign that show its work, from which that work is everybody's."""
MISSED = 0.1
"""Of a campaign's accounts, how many may show its work and be no members yet."""
REATTACHED_SCORE = 0.7


class Recalled(NamedTuple):
    """What a scan has of earlier ones."""

    staged: Staged
    rows: int
    """Exchanges of the log."""
    history: int
    """Exchanges of earlier scans that were taken in again."""
    generation: int


class Past:
    """The memory of one scan; a ``share`` of the log's size of earlier exchanges is looked at again (None: all)."""

    def __init__(self, state: State, *, share: float | None, threads: int) -> None:
        self._state, self._share, self._threads = state, share, threads
        self._registry = Registry.read(state.blob(ACCOUNTS), state.blob(CAMPAIGNS))
        self._known = Known([known.signature for known in self._registry.campaigns])
        self._aliases: dict[str, str] = {}
        self._names = pa.table({})
        self._recalled: Recalled | None = None
        self._identities: dict[int, str] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all campaigns that are known."""
        return tuple(known.record.id for known in self._registry.campaigns)

    def recall(self, engine: Engine) -> None:
        """After the text pass: set aside what is new, take in what earlier scans have of the same accounts, and mark
        what looks like a known campaign (columns ``new`` and ``known``)."""
        columns = engine.columns("exchanges")
        rows = columns.rows
        staged = self._state.stage(columns, threads=self._threads)
        account = columns.read("account", 0, rows)
        today = columns.read("key", 0, rows)
        known = self._state.names()
        self._names = _names_of(engine, distinct(account[staged.new]))
        most = np.iinfo(np.int64).max if self._share is None else int(self._share * rows)
        accounts = None if self._share is None else distinct(account)
        for table in self._state.history(accounts, today, most=most, at_hand=account[staged.held]):
            columns.append(table)
        new = np.zeros(columns.rows, np.bool_)
        new[:rows] = staged.new
        if columns.rows > rows:
            there = pa.array(distinct(columns.read("account", rows, columns.rows)))
            for kind, relation in _RELATIONS:
                mine = known.filter(pc.equal(known["kind"], kind))
                if kind == "account":
                    mine = mine.filter(pc.is_in(mine["hash"], value_set=there))
                if mine.num_rows:
                    engine.scan(relation, mine.select(["hash", "name"]))
        left_out = np.zeros(columns.rows, np.bool_)
        left_out[:rows] = ~(staged.new | staged.held)  # among them what is too old: it must not come back
        columns.put("left_out", left_out)
        columns.put("known", self._known.match(columns))
        columns.put("new", new)
        self._recalled = Recalled(staged, rows, columns.rows - rows, self._state.manifest.generation)

    def leads(self, population: Population) -> list[Group]:
        """Groups that known campaigns' work draws, to be judged by everything else."""
        of = population.columns["known"] >> 1
        out = []
        for place in range(len(self._known.signatures)):
            mine = np.where(of == place, np.int32(0), np.int32(-1))
            there = carriers(population.account, mine, population.counts)
            if int(population.representative[there].sum()) >= LEAST_MEMBERS:
                rows = np.flatnonzero((mine == 0) & there[population.account]).astype(np.int32)
                accounts = np.flatnonzero(there).astype(np.int32)
                out.append(Group(accounts, rows, frozenset({Family.CONTENT}), True, "known campaign"))
        return out

    def recognised(self, population: Population, found: Sequence[Found]) -> list[Found]:
        """Groups that are a known campaign as one each; :meth:`identities` then tells which."""
        of = self._member_of(population)
        there = np.bincount(of[of >= 0], minlength=len(self._registry.campaigns))
        work = population.columns["known"] >> 1
        out: list[Found] = []
        at: dict[int, int] = {}
        for f in found:
            which = self._which(f, of, there, work) if f.verdict == "campaign" else ()
            for place, part in _apart(population, f, which, of, work) if which else ((None, f),):
                if place is None:
                    out.append(part)
                elif place in at:
                    out[at[place]] = _as_one(population, out[at[place]], part)
                else:
                    at[place] = len(out)
                    out.append(part)
        self._identities = {i: self.ids[place] for place, i in at.items()}
        return out

    @property
    def identities(self) -> dict[int, str]:
        """Ids of known campaigns by the place of their group in what :meth:`recognised` gave."""
        return self._identities

    def carried(
        self, population: Population, found: Sequence[Found], case: CaseResult, names: Names, settings: Settings
    ) -> CaseResult:
        """The case with all that earlier scans know; remembered for :meth:`commit`."""
        recalled = self._recall()
        harvested, new = self._harvested(population), population.columns["new"]
        fresh_of = [_fresh(population, f, new, harvested) for f in found]
        joins = self._joining(population, case, settings)
        before = self._before()
        accounts = together(before, *self._seen(population, case, fresh_of, joins))
        now = {c.id: c for c in case.campaigns if c.verdict == "campaign"}
        fresh = {identity: taken(population, fresh_of[i], names) for i, identity in self._identities.items()}
        known = []
        for identity in sorted({*now, *self.ids} - set(self._aliases)):
            evidence = tuple(e for e in case.evidence if e.campaign_id == identity)
            one = self._campaign(identity, now.get(identity), fresh.get(identity), evidence)
            known.append(msgspec.structs.replace(one, record=self._counted(one.record, before, accounts, joins)))
        kept = [msgspec.structs.replace(k, record=without_text(k.record)) for k in known]
        self._registry = self._learnt(Registry(accounts, tuple(kept)))
        there = [k for k in known if k.record.accounts]  # the others are known by their work alone
        others = [c for c in case.campaigns if c.verdict != "campaign"]
        beside = [e for e in case.evidence if e.campaign_id not in now]
        run = {
            **case.run,
            "accounts": len(accounts),
            "state": {
                "generation": recalled.generation,
                "exchanges_before": self._state.manifest.rows,
                "exchanges_new": int(recalled.staged.new.sum()),
                "exchanges_known_already": int(recalled.staged.held.sum()),
                "exchanges_too_old": recalled.staged.too_old,
                "exchanges_looked_at_again": recalled.history,
            },
        }
        return CaseResult(
            accounts=accounts.select(ACCOUNT_VERDICTS.names).cast(ACCOUNT_VERDICTS),
            campaigns=tuple(
                sorted(
                    [*(k.record for k in there), *others], key=lambda c: (c.verdict != "campaign", -c.accounts, c.id)
                )
            ),
            evidence=tuple(
                sorted(
                    [*beside, *(e for k in there for e in k.evidence)],
                    key=lambda e: (e.campaign_id, e.family.value, e.channel),
                )
            ),
            run=run,
            quarantine=case.quarantine,
        )

    def _seen(
        self, population: Population, case: CaseResult, fresh_of: Sequence[I32], joins: dict[int, I32]
    ) -> tuple[pa.Table, I64, I64]:
        """The accounts that this scan saw; of each its exchanges, and those of campaigns, that are not counted yet."""
        n = population.size
        fresh = np.zeros(n, np.int64)
        for rows in fresh_of:
            fresh = np.maximum(fresh, np.bincount(population.account[rows], minlength=n))
        for place, mine in joins.items():
            fresh[mine] = np.bincount(population.account[self._work(population, place, mine)], minlength=n)[mine]
        chances = {known.record.id: known.signature.chance for known in self._registry.campaigns}
        now = _with_joined(case.accounts, {self.ids[place]: mine for place, mine in joins.items()}, chances)
        new = np.bincount(population.account[population.columns["new"]], minlength=n)
        return now, new.astype(np.int64), fresh

    def _before(self) -> pa.Table:
        """The accounts as earlier scans left them, members of campaigns that are one now in that one."""
        before = self._registry.accounts
        if self._aliases:
            named = [self._aliases.get(i, i) if i else None for i in before["campaign_id"].to_pylist()]
            at = before.schema.get_field_index("campaign_id")
            before = before.set_column(at, before.schema.field(at), pa.array(named, pa.string()))
        return before

    def _counted(self, record: Campaign, before: pa.Table, accounts: pa.Table, joins: dict[int, I32]) -> Campaign:
        """The record with its figures over all scans (``accounts``); ``before`` are the accounts of earlier ones."""
        record = counted(record, accounts)
        if record.id not in self.ids:
            return record
        known, now = (members_of(table, record.id)["account_id"] for table in (before, accounts))
        later = int(pc.sum(pc.invert(pc.is_in(now, value_set=known.combine_chunks()))).as_py() or 0)
        alone = self.ids.index(record.id) in joins
        return msgspec.structs.replace(
            record, joined_later=record.joined_later + later, quiet=record.quiet and not alone
        )

    def _campaign(
        self, identity: str, now: Campaign | None, fresh: Taken | None, evidence: tuple[Evidence, ...]
    ) -> KnownCampaign:
        """A campaign as it is now, with what was known of it."""
        old = self._registry.campaigns[self.ids.index(identity)] if identity in self.ids else None
        if old is None:
            assert now is not None
            return KnownCampaign(record=grown(now, None, None), evidence=evidence, signature=Signature())
        also = tuple(sorted({a for a, into in self._aliases.items() if into == identity} | {*old.record.also_known_as}))
        if now is None:
            record, evidence = msgspec.structs.replace(old.record, quiet=True), old.evidence
        else:
            record = grown(now, old.record, fresh)
        return KnownCampaign(
            record=msgspec.structs.replace(record, also_known_as=also), evidence=evidence, signature=old.signature
        )

    def commit(self, columns: frozenset[str]) -> None:
        """All that this scan learnt counts from here on."""
        self._state.commit(self._recall().staged, self._names, self._registry.blobs(), columns)

    def _recall(self) -> Recalled:
        if self._recalled is None:
            raise RuntimeError("nothing was recalled")
        return self._recalled

    def _member_of(self, population: Population) -> I32:
        """The place of the known campaign of each account; -1 for none."""
        members, place = self._registry.members()
        out = np.full(population.size, -1, np.int32)
        if len(members):
            mine = hash_strings(population.account_ids)
            at = np.minimum(np.searchsorted(members, mine), len(members) - 1)
            out = np.where(members[at] == mine, place[at], out)
        return out

    def _which(self, found: Found, of: I32, there: I64, work: I32) -> tuple[int, ...]:
        """Which known campaigns a group is, the one that it is most of first; those of the same work become one."""
        if not len(there):
            return ()
        accounts = found.group.accounts
        mine = of[accounts]
        held = np.bincount(mine[mine >= 0], minlength=len(there))
        seen = work[found.group.rows]
        share = np.bincount(seen[seen >= 0], minlength=len(there)) / max(len(found.group.rows), 1)
        same = (held >= 3) & (held >= OVERLAP * np.minimum(np.maximum(there, 1), len(accounts)))
        same |= share >= SAME
        if not same.any():
            return ()
        best = int(np.argmax(np.where(same, held + share, -1)))
        out = [best]
        for place in np.flatnonzero(same & (held >= 3) & (held >= SAME * np.maximum(there, 1))).tolist():
            if place == best or {self.ids[place], self.ids[best]} & set(self._aliases):
                continue
            if self._known.signatures[place].like(self._known.signatures[best]) >= OVERLAP:
                self._aliases[self.ids[place]] = self.ids[best]
            else:
                out.append(place)
        return tuple(out)

    def _harvested(self, population: Population) -> I64:
        """Exchanges of each account that earlier scans counted as a campaign's."""
        accounts = self._registry.accounts
        at = places(accounts["account_id"], population.account_ids)
        counted = np.append(accounts["harvest_exchanges"].to_numpy(), 0)  # -1: nothing was
        out: I64 = counted[at]
        return out

    def _joining(self, population: Population, case: CaseResult, settings: Settings) -> dict[int, I32]:
        """Accounts that join a known campaign alone, by its place."""
        marks = population.columns["known"]
        campaigns = self._registry.campaigns
        if not campaigns or not (marks >= 0).any():
            return {}
        of = self._member_of(population)
        free = np.array([d in ("clear", "watch") for d in case.accounts["disposition"].to_pylist()], np.bool_) & (
            of < 0
        )
        first = self._first(population)
        out = {}
        for place, known in enumerate(campaigns):
            if known.record.id in self._aliases or known.signature.chance > settings.rate:
                continue
            mine = np.where(marks >> 1 == place, np.int32(0), np.int32(-1))
            carry = carriers(population.account, mine, population.counts)
            both = np.zeros(population.size, np.bool_)
            both[population.account[marks == 2 * place + 1]] = True
            since = known.record.known_since or known.record.first_seen
            seen_before = first < int(np.datetime64(since.rstrip("Z"), "us").astype(np.int64))
            elder = seen_before & free
            if int((carry & elder).sum()) > max(PUBLIC * int(elder.sum()), MISSED * known.record.accounts):
                continue  # the work has become everybody's
            joins = np.flatnonzero(carry & both & free & ~seen_before).astype(np.int32)
            free[joins] = False
            if len(joins):
                out[place] = joins
        return out

    def _first(self, population: Population) -> I64:
        """When each account was first seen, by this log or an earlier one, or was made, microseconds."""
        accounts = self._registry.accounts
        first = population.first.copy()
        created = population.table["created_at"]
        first = np.where(created > 0, np.minimum(first, created), first)
        at = places(accounts["account_id"], population.account_ids)
        seen = np.append(accounts["first_seen"].cast(pa.int64()).to_numpy(), np.iinfo(np.int64).max)
        out: I64 = np.minimum(first, seen[at])
        return out

    def _work(self, population: Population, place: int, accounts: I32) -> I32:
        rows = np.flatnonzero(population.columns["known"] >> 1 == place).astype(np.int32)
        return rows[np.isin(population.account[rows], accounts)]

    def _learnt(self, registry: Registry) -> Registry:
        """With the signatures of the campaigns that are active, from what is new."""
        segment = self._recall().staged.segment
        if segment is None or all(known.record.quiet for known in registry.campaigns):
            return registry
        members, of = registry.members()
        there = self._state.accounts_of(segment)
        others = _spread(there[~among(there, members)], OTHERS)
        if len(others) < LEAST_MEMBERS:
            return registry
        learning = {}
        for place, campaign in enumerate(registry.campaigns):
            mine = np.intersect1d(members[of == place], there)
            if not campaign.record.quiet and len(mine) >= LEAST_MEMBERS:
                learning[place] = _spread(mine, MEMBERS)
        wanted = np.concatenate([others, *learning.values()])
        rows = first_rows(table for _, table in self._state.rows_of(segment, wanted, LEARNT_FROM))
        beside = Others.of(sample(rows, others))
        known = list(registry.campaigns)
        for place, mine in learning.items():
            signature = learn(sample(rows, mine), beside, known[place].signature)
            known[place] = msgspec.structs.replace(known[place], signature=signature)
        return registry._replace(campaigns=tuple(known))


_RELATIONS = (("account", "accounts_seen"), ("model", "models_seen"), ("channel", "channels_seen"))


def _names_of(engine: Engine, accounts: U64) -> pa.Table:
    """All names of a log, of its accounts those given: kind, hash, name."""
    parts = []
    for kind, relation in _RELATIONS:
        found = engine.collect(f"SELECT hash, min(name) AS name FROM {relation} GROUP BY hash ORDER BY hash")
        found = found.filter(pc.is_valid(found["name"]))
        if kind == "account":
            found = found.filter(pc.is_in(found["hash"], value_set=pa.array(accounts)))
        parts.append(found.add_column(0, "kind", pa.array([kind] * len(found), pa.string())))
    return pa.concat_tables(parts)


def _spread(hashes: U64, most: int) -> U64:
    """At most so many of them, evenly: hashes are in no order that means anything."""
    step = max(1, -(-len(hashes) // most))
    return hashes[::step]


def _fresh(population: Population, found: Found, new: B1, harvested: I64) -> I32:
    """Exchanges of a group that no earlier scan has counted as a campaign's."""
    rows: I32 = found.group.rows
    kept: I32 = rows[new[rows] | (harvested[population.account[rows]] == 0)]
    return kept


def _apart(
    population: Population, found: Found, which: tuple[int, ...], of: I32, work: I32
) -> list[tuple[int | None, Found]]:
    """A group that is several known campaigns, which do different work, as these: members stay where they were, others
    go where most of their work is, or to the first."""
    if len(which) == 1:
        return [(which[0], found)]
    accounts, rows = found.group.accounts, found.group.rows
    into = np.where(np.isin(of[accounts], which), of[accounts], which[0])
    place_of = np.full(population.size, -1, np.int64)
    place_of[accounts] = np.arange(len(accounts))
    seen = np.zeros((len(which), len(accounts)), np.int64)
    for i, place in enumerate(which):
        seen[i] = np.bincount(place_of[population.account[rows[work[rows] == place]]], minlength=len(accounts))
    new = of[accounts] < 0
    into[new] = np.where(seen[:, new].any(axis=0), np.array(which)[seen[:, new].argmax(axis=0)], which[0])
    out: list[tuple[int | None, Found]] = []
    for place in which:
        mine = accounts[into == place]
        if len(mine):
            core = round(found.core * len(mine) / len(accounts))
            out.append(
                (place, found._replace(group=cut(population, found.group, mine), core=core, probability=np.zeros(0)))
            )
    return out


def _as_one(population: Population, lead: Found, other: Found) -> Found:
    """Two groups that are the same known campaign: the accounts of both, and the stronger test of each family."""
    verdicts = dict(lead.verdicts)
    for family, v in other.verdicts.items():
        if family not in verdicts or v.p_value < verdicts[family].p_value:
            verdicts[family] = v
    accounts = np.union1d(lead.group.accounts, other.group.accounts).astype(np.int32)
    rows = union([lead.group.rows, other.group.rows], len(population.ts))
    return lead._replace(
        group=lead.group._replace(accounts=accounts, rows=rows),
        verdicts=verdicts,
        core=lead.core + other.core,
        q_value=max(lead.q_value, other.q_value),
        fringe=np.setdiff1d(np.concatenate([lead.fringe, other.fringe]), accounts).astype(np.int32),
        probability=np.zeros(0),
    )


def _with_joined(accounts: pa.Table, joins: dict[str, I32], chances: dict[str, float]) -> pa.Table:
    """The accounts table with those that join a campaign alone."""
    if not joins:
        return accounts
    columns = {name: accounts[name].to_numpy(zero_copy_only=False).copy() for name in ("score", "q_value")}
    disposition = accounts["disposition"].to_pylist()
    campaign = accounts["campaign_id"].to_pylist()
    for identity, mine in joins.items():
        columns["score"][mine], columns["q_value"][mine] = REATTACHED_SCORE, chances[identity]
        for i in mine.tolist():
            disposition[i], campaign[i] = "campaign", identity
    new = {"disposition": pa.array(disposition, pa.string()), "campaign_id": pa.array(campaign, pa.string())}
    new |= {name: pa.array(values) for name, values in columns.items()}
    for name, values in new.items():
        at = accounts.schema.get_field_index(name)
        accounts = accounts.set_column(at, accounts.schema.field(name), values)
    return accounts
