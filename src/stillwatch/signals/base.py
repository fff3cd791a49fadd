"""What a signal is: one file, one object; what it measures, its null, its calibration, what evades it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from stillwatch.domain.verdict import Family
from stillwatch.signals.population import Population

I32 = npt.NDArray[np.int32]


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of value that accounts can share; all evidence becomes rows (account, kind, value)."""

    name: str
    family: Family
    label: str
    """For people: "payment instrument"."""
    source: str
    """``exchange`` or ``account``: a column of that relation; ``derived``: rows made by the signal's own step."""
    column: str = ""
    software: bool = False
    """True where the same program alone explains the same value; then it is not independent of content."""
    forms: bool = True
    """Whether accounts that share a value may form a group to be judged."""


class Group(NamedTuple):
    """A candidate: the accounts, the rows (exchanges) of the sub-stream that drew it, and the family that drew it."""

    accounts: I32
    rows: I32
    formed_by: frozenset[Family]
    software: bool
    """True when what formed it is explained by the same program: software kinds then do not judge it."""
    origin: str


def cut(population: Population, group: Group, accounts: I32) -> Group:
    """A group with some of its accounts and their exchanges only."""
    return group._replace(accounts=accounts, rows=group.rows[np.isin(population.account[group.rows], accounts)])


class Verdict(NamedTuple):
    """What a signal says of one group."""

    p_value: float
    statistic: float
    effect: float
    """Share of the group's accounts that carry the evidence, 0…1."""
    channel: str
    tied: npt.NDArray[np.float64]
    """Per account of the group, how strongly it carries the evidence, 0…1."""
    value: int = -1
    p_strict: float = 0.0
    """The p-value that counts only draws strictly more extreme: a uniform number between it and ``p_value`` is
    exactly uniform under the null, however discrete the statistic."""
    channels: Mapping[str, tuple[float, float]] = MappingProxyType({})
    """Every channel's own p-value (not corrected for the others) and effect: the smallest p may be a weaker kind's."""


class Signal(Protocol):
    """A family of evidence."""

    @property
    def family(self) -> Family:
        """Which family it is."""
        ...

    @property
    def null(self) -> str:
        """The null hypothesis in words."""
        ...

    @property
    def source(self) -> str:
        """Where the method comes from."""
        ...

    @property
    def evades(self) -> str:
        """What evades it."""
        ...

    def available(self, population: Population) -> bool:
        """Whether the log has the columns that the signal needs."""
        ...

    def judge(self, population: Population, group: Group, *, seed: int, draws: int) -> Verdict:
        """Test a given group against the null; never called for a family that formed the group."""
        ...
