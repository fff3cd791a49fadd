"""Does one column give the hostile accounts away? `python -m bench.agents.check DIR…` prints the best of each world.

For every column of both tables an account-level score is made: the mean of a number, the share of nulls, the share of
hostile accounts among those of the other half that have the same value. AUC is of hostile against honest; 0.5 says
nothing. Columns that an operator's habits should show (its clock, card, program, wording, pace, short conversations)
are `INTENDED`; the rest must stay below 0.9.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

_HABITS = """
created_at payment_fingerprint phone_fingerprint device_fingerprint signup_ip email_domain programme ts system_prompt
prompt response temperature top_p max_output_tokens stream user_agent tls_fingerprint tools_count tool_schema_hash
response_format output_tokens input_tokens cached_input_tokens reasoning_tokens model channel status refusal
refusal_category reasoning_ref_issued reasoning_ref_presented client_ip asn exchanges message_count finish_reason
"""
INTENDED = frozenset(_HABITS.split())


def auc(score: np.ndarray, hostile: np.ndarray) -> float:
    """Probability that a hostile account scores above an honest one (ties count half)."""
    ranks = pd.Series(score).rank().to_numpy()
    bad = int(hostile.sum())
    good = len(hostile) - bad
    return float((ranks[hostile].sum() - bad * (bad + 1) / 2) / max(1, bad * good))


def shared_value(keys: pd.Series, accounts: pd.Series, hostile: pd.Series) -> np.ndarray:
    """Per account, over its values: the share of hostile accounts in the *other half* with that value.

    The largest such share counts, or the mean where a column has few values.
    """
    pairs = pd.DataFrame({"key": keys.to_numpy(), "account": accounts.to_numpy()}).dropna().drop_duplicates()
    pairs["hostile"] = hostile.reindex(pairs["account"]).to_numpy().astype(float)
    half = pd.Series(np.random.default_rng(0).integers(0, 2, len(hostile)), hostile.index)
    pairs["half"] = half.reindex(pairs["account"]).to_numpy()
    base = float(hostile.mean())
    for fold in (0, 1):
        known = pairs[pairs["half"] != fold].groupby("key")["hostile"].agg(["sum", "count"])
        share = (known["sum"] + base) / (known["count"] + 1)
        mine = pairs["half"] == fold
        pairs.loc[mine, "score"] = pairs.loc[mine, "key"].map(share).fillna(base)
    scores = pairs.groupby("account")["score"]
    best = (scores.mean() if pairs["key"].nunique() < 50 else scores.max()).reindex(hostile.index).fillna(base)
    return np.asarray(best)


def column_scores(exchanges: pd.DataFrame, accounts: pd.DataFrame, truth: pd.DataFrame) -> list[tuple[float, str]]:
    hostile = truth.set_index("account_id")["role"].eq("hostile")
    mask = hostile.to_numpy()
    found: list[tuple[float, str]] = []

    def note(name: str, score: np.ndarray) -> None:
        value = auc(score, mask)
        if value == value:
            found.append((max(value, 1 - value), name))

    accounts = accounts[accounts["account_id"].isin(hostile.index)].reset_index(drop=True)
    order = pd.Series(np.arange(len(accounts), dtype=float), accounts["account_id"]).reindex(hostile.index)
    note("row order of accounts", order.to_numpy())
    note("account_id", np.array([int(name[4:], 16) for name in hostile.index], dtype=float))
    note("created_at", accounts.set_index("account_id")["created_at"].astype("int64").reindex(hostile.index).to_numpy())
    for name in [c for c in accounts.columns if c not in ("account_id", "created_at")]:
        note(name, shared_value(accounts[name], accounts["account_id"], hostile))
        empty = accounts.set_index("account_id")[name].isna().reindex(hostile.index)
        note(f"{name} is null", empty.to_numpy().astype(float))
    by = exchanges.groupby("account_id")
    note("exchanges", by.size().reindex(hostile.index).to_numpy().astype(float))
    ts = exchanges["ts"].astype("int64")
    note(
        "ts below the second",
        (ts % 1_000_000).groupby(exchanges["account_id"]).mean().reindex(hostile.index).to_numpy(),
    )
    note("ts", ts.groupby(exchanges["account_id"]).mean().reindex(hostile.index).to_numpy())
    number = exchanges["exchange_id"].str[3:].map(lambda text: float(int(text, 16)))
    note("exchange_id", number.groupby(exchanges["account_id"]).mean().reindex(hostile.index).to_numpy())
    for name in [c for c in exchanges.columns if c not in ("account_id", "exchange_id", "ts")]:
        column = exchanges[name]
        empty = column.isna().groupby(exchanges["account_id"]).mean().reindex(hostile.index)
        note(f"{name} is null", empty.to_numpy())
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            mean = column.groupby(exchanges["account_id"]).mean().reindex(hostile.index)
            note(f"mean {name}", mean.fillna(mean.mean()).to_numpy())
        note(name, shared_value(column, exchanges["account_id"], hostile))
    return sorted(found, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("worlds", type=Path, nargs="+")
    for folder in parser.parse_args().worlds:
        truth = pd.read_parquet(folder / "truth.parquet")
        if not truth["role"].eq("hostile").any():
            continue
        scores = column_scores(
            pd.read_parquet(folder / "exchanges.parquet"), pd.read_parquet(folder / "accounts.parquet"), truth
        )
        plain = [(v, n) for v, n in scores if n.removeprefix("mean ").removesuffix(" is null") not in INTENDED]
        best = ", ".join(f"{n} {v:.2f}" for v, n in scores[:6])
        print(
            f"{folder.name}: intended and other: {best}; other only: " + ", ".join(f"{n} {v:.2f}" for v, n in plain[:5])
        )
        if plain[0][0] >= 0.9:
            print(f"  !! {plain[0][1]} alone separates")


if __name__ == "__main__":
    main()
