"""Where the nodes of a small graph go: a plain force layout without chance, so that a case always looks the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
GOLDEN = 2.399963229728653


def force_layout(n: int, edges: npt.NDArray[np.int64], rounds: int) -> F32:
    """Positions in [0, 1]², after Fruchterman & Reingold (1991) but started from a sunflower spiral, not at random."""
    if n == 0:
        return np.zeros((0, 2), np.float32)
    i = np.arange(n, dtype=np.float32)
    at = (np.sqrt((i + 0.5) / n)[:, None] * np.stack([np.cos(i * GOLDEN), np.sin(i * GOLDEN)], 1)).astype(np.float32)
    ideal = np.float32(1.6 / np.sqrt(n))
    heat = 0.25
    for _ in range(rounds):
        x, y = at[:, 0], at[:, 1]
        dx, dy = x[:, None] - x, y[:, None] - y
        push = ideal * ideal / (dx * dx + dy * dy + np.float32(1e-4))
        move = np.stack([(dx * push).sum(1), (dy * push).sum(1)], 1)
        if len(edges):
            d = at[edges[:, 0]] - at[edges[:, 1]]
            pull = d * (np.sqrt((d * d).sum(1, keepdims=True)) / ideal)
            for side, sign in ((0, -1.0), (1, 1.0)):
                for axis in (0, 1):
                    move[:, axis] += sign * np.bincount(edges[:, side], weights=pull[:, axis], minlength=n)
        move -= at * np.float32(0.6)
        length = np.sqrt((move * move).sum(1, keepdims=True)) + 1e-9
        at = (at + move / length * np.minimum(length, heat)).astype(np.float32)
        heat = max(heat * 0.94, 0.004)
    low, high = at.min(0), at.max(0)
    return np.asarray((at - low) / np.maximum(high - low, 1e-6), dtype=np.float32)
