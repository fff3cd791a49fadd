"""Near-identical prompts: MinHash with banding (datasketch), communities of their senders (networkit PLM).

Broder 1997 for MinHash; 16 bands of 4 rows find pairs from a Jaccard similarity of about one half. Accounts are joined
by the cosine of the buckets that their prompts fall into; the projection is quadratic in the largest bucket.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import networkit as nk
import numpy as np
import numpy.typing as npt
from scipy import sparse

from stillwatch.domain.errors import InputError
from stillwatch.lab.peers.base import Found, World, large

BANDS, ROWS, SHINGLE = 16, 4, 3
BATCH = 4_096
MOST_ALIKE = 0.5
"""Share of an account's prompts that must have a near-twin elsewhere; without it most honest accounts are named too."""
U64 = npt.NDArray[np.uint64]


def detect(world: World) -> Found:
    """Communities of accounts that send near-identical prompts."""
    place = {name: n for n, name in enumerate(world.accounts)}
    size = len(place)
    senders, bands = [], []
    for names, texts in _batches(world):
        senders.append(np.array([place[a] for a in names], dtype=np.int64))
        bands.append(_bands(texts))
    account = np.concatenate(senders) if senders else np.zeros(0, dtype=np.int64)
    keys = np.concatenate(bands) if bands else np.zeros((0, BANDS), dtype=np.uint64)
    shared = np.zeros(len(account), dtype=bool)
    held = []
    for band in range(BANDS):
        _, bucket = np.unique(keys[:, band], return_inverse=True)
        pairs, inverse = np.unique(np.stack([account, bucket]), axis=1, return_inverse=True)
        crowd = np.bincount(pairs[1])[pairs[1]] > 1
        shared |= crowd[inverse.ravel()]
        held.append(np.stack([pairs[0][crowd], band * (len(account) + 1) + pairs[1][crowd]]))
    accounts, buckets = np.concatenate(held, axis=1)
    label = _communities(accounts, buckets, size)
    sent = np.bincount(account, minlength=size)
    score = np.bincount(account[shared], minlength=size) / np.maximum(sent, 1)
    alike = score >= MOST_ALIKE
    label = np.where(alike, label, label.max(initial=0) + 1 + np.arange(size))
    return large(world.accounts, np.unique(label, return_inverse=True)[1], score, "minhash")


def _batches(world: World) -> Iterator[tuple[list[str], list[str]]]:
    """Accounts with their distinct texts, the fixed prompt first."""
    cursor = world.db.execute(
        """SELECT DISTINCT account_id, concat_ws(' ', system_prompt, prompt) AS text FROM exchanges
        WHERE prompt IS NOT NULL ORDER BY ALL"""
    )
    while rows := cursor.fetchmany(BATCH):
        yield [r[0] for r in rows], [r[1] for r in rows]


def _bands(texts: list[str]) -> U64:
    """One key per text and band."""
    try:
        minhash: Any = import_module("datasketch").MinHash
    except ImportError as exc:
        raise InputError("datasketch is not installed", remedy="pip install 'stillwatch[peers]'") from exc
    sketches = minhash.bulk([_shingles(t) for t in texts], num_perm=BANDS * ROWS, seed=1)
    values = np.stack([s.hashvalues for s in sketches]).astype(np.uint64).reshape(len(texts), BANDS, ROWS)
    key = np.zeros((len(texts), BANDS), dtype=np.uint64)
    for row in range(ROWS):
        key = (key ^ values[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)
    return key


def _shingles(text: str) -> list[bytes]:
    words = re.findall(r"\w+", text.lower())
    grams = [" ".join(words[i : i + SHINGLE]) for i in range(max(len(words) - SHINGLE + 1, 1))]
    return [g.encode() for g in grams]


def _communities(account: Any, bucket: Any, size: int) -> npt.NDArray[np.int64]:
    _, column = np.unique(bucket, return_inverse=True)
    width = int(column.max(initial=-1)) + 1
    sent = np.maximum(np.bincount(account, minlength=size), 1)
    table = sparse.csr_array((1 / np.sqrt(sent[account]), (account, column)), shape=(size, width))
    near = sparse.triu(table @ table.T, k=1).tocoo()
    nk.setSeed(1, False)
    nk.setNumberOfThreads(1)
    graph = nk.GraphFromCoo((near.data, (near.row, near.col)), n=size, weighted=True, directed=False)
    return np.array(nk.community.PLM(graph, refine=True).run().getPartition().getVector(), dtype=np.int64)
