"""Licences: traffic inside one is licensed, traffic that outgrows one is a breach."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.domain.licence import Licence
from stillwatch.kernels.hashing import hash_strings
from stillwatch.signals.population import Population

I32 = npt.NDArray[np.int32]


class Licensed(NamedTuple):
    """What a licence covers in this log."""

    licence: Licence
    accounts: I32
    exchanges: int
    breach: str | None


def _us(day: object) -> int | None:
    return None if day is None else int(datetime.fromisoformat(str(day)).replace(tzinfo=UTC).timestamp() * 1e6)


def apply_licences(
    population: Population,
    licences: tuple[Licence, ...],
    models: pa.Array,
    channels: pa.Array,
    organisations: npt.NDArray[np.uint64],
) -> list[Licensed]:
    """Per licence the accounts it names and whether their traffic keeps to model, channel, dates and volume.

    ``models`` and ``channels`` are the distinct names in the log. An exchange within the licence counts against its
    volume; one outside (another model, channel or date) is a breach only of accounts that do licensed work.
    """
    out = []
    model_hash, channel_hash = hash_strings(models), hash_strings(channels)
    for licence in licences:
        ids = hash_strings(pa.array(list(licence.account_ids), pa.string()))
        mine = np.isin(hash_strings(population.account_ids), ids) if len(ids) else np.zeros(population.size, np.bool_)
        if licence.org_id is not None:
            mine |= organisations == hash_strings(pa.array([licence.org_id]))[0]
        mine |= population.table["licence_id"] == hash_strings(pa.array([licence.id]))[0]
        accounts = np.flatnonzero(mine).astype(np.int32)
        if not len(accounts):
            continue
        rows = population.rows_of_accounts(accounts)
        allowed = [
            h
            for h, name in zip(model_hash, models.to_pylist(), strict=True)
            if name is None or licence.allows_model(name)
        ]
        model_ok = np.isin(population.columns["model"][rows], np.array([*allowed, 0], np.uint64))
        channel_ok = np.ones(len(rows), np.bool_)
        if licence.channels:
            good = [h for h, name in zip(channel_hash, channels.to_pylist(), strict=True) if name in licence.channels]
            channel_ok = np.isin(population.columns["channel"][rows], np.array([*good, 0], np.uint64))
        ts = population.ts[rows]
        start, end = _us(licence.valid_from), _us(licence.valid_to)
        in_time = (ts >= (start if start is not None else ts.min())) & (ts < (end if end is not None else ts.max() + 1))
        covered = int((model_ok & channel_ok & in_time).sum())
        reasons = [
            text
            for text, count in (
                ("models outside the licence", int((~model_ok).sum())),
                ("channels outside the licence", int((~channel_ok).sum())),
                ("dates outside the licence", int((~in_time).sum())),
            )
            if count > 0.05 * len(rows)
        ]
        if licence.max_exchanges is not None and covered > licence.max_exchanges:
            reasons.append(f"{covered:,} exchanges against {licence.max_exchanges:,} allowed")
        out.append(Licensed(licence, accounts, covered, "; ".join(reasons) or None))
    return out
