"""What goes into a bag: records, case, population, impact, provenance, attachments, dossier."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from stillwatch.case import PriceTable, write_case
from stillwatch.case.canonical import to_json, write_parquet
from stillwatch.case.layout import FILES
from stillwatch.case.raw import file_entry
from stillwatch.domain.errors import InputError
from stillwatch.domain.licence import Licence
from stillwatch.domain.verdict import Campaign, CaseResult
from stillwatch.evidence import casefile, columns, layout, merkle, provenance, records
from stillwatch.evidence.dossier import DossierInput, render_dossier
from stillwatch.evidence.estimate import Figures, impacts
from stillwatch.evidence.gather import Gathered, Reader
from stillwatch.evidence.impact import ImpactRange, Market, as_json
from stillwatch.evidence.minimise import Minimiser
from stillwatch.evidence.readme import readme
from stillwatch.evidence.rerun import Comparison, Sealed, as_facts, compare, rerun

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
"""Names that a BagIt manifest holds without escapes."""


class Log(NamedTuple):
    """The opened log of a case."""

    reader: Reader
    files: tuple[Path, ...]
    accounts: pa.Table | None
    accounts_file: Path | None
    licences: tuple[Licence, ...]
    licences_file: Path | None


class Options(NamedTuple):
    """How to seal."""

    campaigns: tuple[str, ...] = ()
    reveal: tuple[str, ...] = ()
    everybody: bool = False
    actor: str = "not named"
    note: str = ""
    prices: PriceTable | None = None
    market: Market | None = None
    detected_at: datetime | None = None
    stix: Path | None = None
    decisions: tuple[Path, ...] = ()
    threads: int = 2


def iso(moment: datetime) -> str:
    """UTC to the second, as every file of a bag writes it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def case_inputs(case_path: Path, log: Log) -> list[dict[str, Any]]:
    """The files of the case, and the tables given beside the log."""
    out = [file_entry(path, "case") for path in sorted(case_path.iterdir()) if path.name in FILES]
    for path, role in ((log.accounts_file, "accounts"), (log.licences_file, "licences")):
        if path is not None:
            out.append(file_entry(path, role))
    return out


class Contents:
    """A bag in the making."""

    def __init__(self, place: Path, case: CaseResult, groups: tuple[Campaign, ...], minimiser: Minimiser) -> None:
        self.place = place
        self.case = case
        self.groups = groups
        self.minimiser = minimiser
        self.by_group = casefile.members(case, groups)
        self.members = frozenset[str]().union(*self.by_group.values())
        self.sealed_case: CaseResult = case

    def path(self, name: str) -> Path:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_records(self, gathered: Gathered) -> tuple[str, int]:
        """One line per record, its hash beside it; returns the Merkle root and the number of records."""
        leaves: list[bytes] = []
        with self.path(layout.RECORDS).open("wb") as lines:
            for line in records.record_lines(gathered.accounts, gathered.exchanges, self.minimiser.names):
                lines.write(line + b"\n")
                leaves.append(merkle.leaf_hash(line))
        self.path(layout.LEAVES).write_text("".join(f"{leaf.hex()}\n" for leaf in leaves), "ascii")
        return merkle.root(leaves).hex(), len(leaves)

    def write_case(self, *, everybody: bool) -> None:
        self.sealed_case = casefile.minimised(self.case, self.groups, self.members, self.minimiser, everybody=everybody)
        write_case(self.sealed_case, self.path(layout.CASE))

    def write_population(self, gathered: Gathered, log: Log, options: Options) -> Comparison | None:
        people = gathered.population
        if people is None:
            return None
        write_parquet(people.exchanges, self.path(layout.POPULATION_EXCHANGES))
        write_parquet(people.order, self.path(layout.POPULATION_ORDER))
        if people.accounts is not None:
            write_parquet(people.accounts, self.path(layout.POPULATION_ACCOUNTS))
        licences = self.minimiser.licences(log.licences)
        self.path(layout.POPULATION_LICENCES).write_bytes(
            to_json({"licences": [msgspec.to_builtins(x) for x in licences]})
        )
        settings = dict(self.case.run.get("settings") or {})
        sealed = Sealed(
            population=people,
            licences=licences,
            columns=tuple(self.case.run.get("columns") or ()),
            rate=float(settings.get("rate", 0.01)),
            seed=int(settings.get("seed", 1)),
        )
        again = rerun(sealed, threads=options.threads)
        write_case(again, self.path(layout.EXPECTED))
        return compare(self.sealed_case, again)

    def write_impact(self, gathered: Gathered, options: Options) -> list[ImpactRange]:
        figures = Figures(options.prices, options.market, options.detected_at)
        out = impacts(self.groups, self.by_group, gathered.exchanges, self.minimiser, figures)
        self.path(layout.IMPACT).write_bytes(to_json(as_json(out)))
        return out

    def write_provenance(
        self, gathered: Gathered, inputs: list[dict[str, Any]], options: Options, comparison: Comparison | None
    ) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "format": layout.FORMAT,
            "files": inputs,
            "run": self.case.run,
            "sealed_with": provenance.detector(),
            "groups": [c.id for c in self.groups],
            "columns": columns.declared(),
            "revealed": sorted(self.minimiser.reveal),
            "checked": provenance.CHECKED,
            "minimised": list(provenance.MINIMISED),
            "context": provenance.WITH_POPULATION if options.everybody else provenance.WITHOUT_POPULATION,
            "left_out": {
                **casefile.left_out(self.case, self.groups, self.members),
                "accounts_in_the_log": gathered.accounts_seen,
                "exchanges_in_the_log": gathered.exchanges_seen,
                "members": len(self.members),
                "exchanges_of_members": gathered.exchanges.num_rows,
            },
            "replay_when_sealed": None if comparison is None else as_facts(comparison),
        }
        self.path(layout.PROVENANCE).write_bytes(to_json(facts))
        self.path(layout.DETECTOR).write_bytes(provenance.source_archive())
        return facts

    def attach(self, options: Options) -> list[str]:
        """The STIX bundle and the decisions, as they were given."""
        given = [
            *([(layout.STIX, options.stix)] if options.stix else []),
            *((layout.DECISIONS, d) for d in options.decisions),
        ]
        out: list[str] = []
        for folder, path in given:
            if not _PLAIN.fullmatch(path.name):
                raise InputError(
                    "an attached file's name is not plain",
                    where=str(path),
                    remedy="letters, digits, dot, dash, underscore",
                )
            target = self.path(f"{folder}/{path.name}")
            if target.exists():
                raise InputError("two attached files have one name", where=path.name)
            try:
                shutil.copyfile(path, target)
            except OSError as exc:
                raise InputError("cannot be opened", where=str(path)) from exc
            out.append(f"{folder}/{path.name}")
        return out

    def write_dossier(
        self,
        impacts: list[ImpactRange],
        facts: dict[str, Any],
        seal_facts: dict[str, Any],
        options: Options,
    ) -> None:
        keys = {(g.id, g.verdict) for g in self.groups}
        groups = tuple(c for c in self.sealed_case.campaigns if (c.id, c.verdict) in keys)
        page = render_dossier(
            DossierInput(groups, tuple(impacts), self.case.run, facts, seal_facts, self.sealed_case.evidence)
        )
        self.path(layout.DOSSIER).write_text(page, "utf-8")
        self.path("data/README.txt").write_text(readme(everybody=options.everybody), "utf-8")
