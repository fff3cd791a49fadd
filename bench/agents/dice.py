"""Seeded randomness: every agent owns dice derived from its name, so agents do not disturb each other."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Dice:
    """`py` for single choices (fast), `np` for arrays. The same names give the same dice."""

    def __init__(self, *names: object) -> None:
        self.names = names
        digest = blake2b(repr(names).encode(), digest_size=16).digest()
        self.py = random.Random(int.from_bytes(digest, "big"))
        self._np: np.random.Generator | None = None

    @property
    def np(self) -> np.random.Generator:
        if self._np is None:
            self._np = np.random.default_rng(self.py.getrandbits(64))
        return self._np

    def child(self, *names: object) -> Dice:
        return Dice(*self.names, *names)

    def chance(self, probability: float) -> bool:
        return self.py.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        return options[int(self.py.random() * len(options))]

    def weighted(self, options: Mapping[T, float]) -> T:
        return self.py.choices(list(options), list(options.values()))[0]

    def some(self, options: Sequence[T], k: int) -> list[T]:
        return self.py.sample(list(options), min(k, len(options)))

    def lognormal(self, median: float, sigma: float) -> float:
        return median * self.py.lognormvariate(0.0, sigma)

    def poisson(self, mean: float) -> int:
        return int(self.np.poisson(mean))

    def token(self, kind: str, length: int = 16) -> str:
        """A random hexadecimal name; carries neither order nor owner."""
        return f"{kind}_{self.py.getrandbits(length * 4):0{length}x}"
