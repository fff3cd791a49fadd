"""Writing a case: everything beside its place first, then one rename."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from stillwatch.case import layout
from stillwatch.case.canonical import finite, to_json, write_parquet
from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import ACCOUNT_VERDICTS, Campaign, CaseResult, Evidence


def write_case(result: CaseResult, out: Path, *, timings: Mapping[str, float] | None = None) -> None:
    """Write the case directory; the same result gives the same bytes, only ``timings`` in ``run.json`` may differ.

    An earlier case at ``out`` is replaced; anything else there is left alone (:class:`InputError`). Accounts are
    written in the order of their ids, groups with verdict ``campaign`` before all others.
    """
    target = check_place(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir()
        _write_files(result, fresh, dict(timings or {}))
        _put_in_place(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def check_place(out: Path) -> Path:
    """Where a case at ``out`` would lie; :class:`InputError` where it cannot."""
    target = out.resolve()
    if target == Path.cwd():
        raise InputError("a case cannot take the place of the current directory", remedy="name a directory of its own")
    above = next(p for p in target.parents if p.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError("cannot be written", where=str(above), remedy="name another --out")
    if not target.exists():
        return target
    if not target.is_dir():
        raise InputError("is a file, a case is a directory", where=str(target), remedy="name another --out")
    held = {p.name for p in target.iterdir()}
    if not held:
        return target
    if not layout.is_case(target):
        raise InputError("holds something that is not a case", where=str(target), remedy="name another --out")
    if foreign := sorted(held - layout.FILES):
        raise InputError(
            f"the earlier case there also holds {len(foreign):,} files that are not part of it",
            where=str(target),
            remedy="move them away or name another --out",
        )
    return target


def _put_in_place(fresh: Path, target: Path) -> None:
    """Two renames where a case stood before; if the second fails, the earlier case is put back."""
    old = target.with_name(f".{target.name}.{os.getpid()}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _write_files(result: CaseResult, where: Path, timings: dict[str, float]) -> None:
    write_parquet(result.accounts.cast(ACCOUNT_VERDICTS).sort_by("account_id"), where / layout.ACCOUNTS)
    write_parquet(evidence_table(result.evidence), where / layout.EVIDENCE)
    if result.quarantine is not None:
        write_parquet(result.quarantine, where / layout.QUARANTINE)
    (where / layout.CAMPAIGNS).write_bytes(to_json(campaigns_document(result.campaigns)))
    if clash := [key for key in layout.RESERVED if key in result.run]:
        raise ValueError(f"run must not set {clash}: the case does")
    (where / layout.RUN).write_bytes(to_json({**result.run, "format": layout.CASE_FORMAT, "timings": timings}))


def campaigns_document(groups: tuple[Campaign, ...]) -> dict[str, Any]:
    """The content of ``campaigns.json``."""
    return {
        "format": layout.CASE_FORMAT,
        "campaigns": [_group(c) for c in groups if c.verdict == "campaign"],
        "other_groups": [_group(c) for c in groups if c.verdict != "campaign"],
    }


def _group(group: Campaign) -> dict[str, Any]:
    """All fields, and ``tokens`` where a reader of the contract looks for them (``impact`` is their source)."""
    shape: dict[str, Any] = finite(msgspec.to_builtins(group))
    msgspec.convert(shape, Campaign)  # a number that must be finite and is not fails here, not in a reader
    taken = group.impact
    return {
        **shape,
        "tokens": {"input": taken.input_tokens, "output": taken.output_tokens, "reasoning": taken.reasoning_tokens},
    }


def evidence_table(evidence: tuple[Evidence, ...]) -> pa.Table:
    """The rows of ``evidence.parquet``."""
    return pa.Table.from_pylist([msgspec.to_builtins(e) for e in evidence], schema=layout.EVIDENCE_ROWS)
