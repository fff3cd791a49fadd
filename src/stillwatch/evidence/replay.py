"""Running the detector again on a bag."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.case import read_case
from stillwatch.case.write import campaigns_document, evidence_table
from stillwatch.domain.errors import InputError
from stillwatch.domain.licence import LicenceFile
from stillwatch.domain.verdict import CaseResult
from stillwatch.engine import StepError
from stillwatch.evidence import layout
from stillwatch.evidence.gather import Population
from stillwatch.evidence.provenance import detector
from stillwatch.evidence.rerun import Comparison, Sealed, compare, rerun


class Replay(NamedTuple):
    """A rerun beside what was sealed."""

    reproduced: bool
    """The very values that the same run gave when the bag was sealed, to the last digit."""
    case: Comparison
    """The rerun beside the case's findings."""
    same_detector: bool
    """Detector and libraries are those of the sealing."""


def replay(bag: Path, *, threads: int) -> Replay:
    """Run the detector on the sealed population. :class:`InputError` where the bag holds none."""
    if not (bag / layout.POPULATION_EXCHANGES).is_file():
        raise InputError(
            "holds no population: findings compare members with everybody else, so they cannot be found again here",
            where=str(bag),
            remedy="seal with --with-population, or scan the raw files that data/provenance.json names by hash",
        )
    try:
        return _replay(bag, threads)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StepError) as exc:
        raise InputError(
            f"the sealed population cannot be run again ({type(exc).__name__})",
            where=str(bag),
            remedy="see what is broken: evidence verify",
        ) from exc


def _replay(bag: Path, threads: int) -> Replay:
    facts = json.loads((bag / layout.PROVENANCE).read_bytes())
    run = facts["run"]
    accounts = bag / layout.POPULATION_ACCOUNTS
    people = Population(
        exchanges=_table(bag / layout.POPULATION_EXCHANGES),
        accounts=_table(accounts) if accounts.is_file() else None,
        order=_table(bag / layout.POPULATION_ORDER),
    )
    licences = msgspec.json.decode((bag / layout.POPULATION_LICENCES).read_bytes(), type=LicenceFile).licences
    settings = dict(run.get("settings") or {})
    sealed = Sealed(
        population=people,
        licences=licences,
        columns=tuple(run.get("columns") or ()),
        rate=float(settings.get("rate", 0.01)),
        seed=int(settings.get("seed", 1)),
    )
    again = rerun(sealed, threads=threads)
    return Replay(
        reproduced=equal(read_case(bag / layout.EXPECTED), again),
        case=compare(read_case(bag / layout.CASE), again),
        same_detector=facts["sealed_with"] == detector(),
    )


def _table(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:
        return file.read()


def equal(a: CaseResult, b: CaseResult) -> bool:
    """Whether two results hold the same values: every account, group and finding."""
    return (
        bool(a.accounts.equals(b.accounts))
        and campaigns_document(a.campaigns) == campaigns_document(b.campaigns)
        and bool(evidence_table(a.evidence).equals(evidence_table(b.evidence)))
    )
