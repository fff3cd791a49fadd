"""How near accounts are to a group by the values they hold; only values that the group holds are looked at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


@njit(cache=True, nogil=True, inline="always")
def nearness(x: float, y: float, members: float, others: float, pseudo: float) -> float:
    """Log of the share of members that hold a value (x of them) over that of the others (y and ``pseudo`` more)."""
    return float(np.log((x + 1e-3) / max(members, 1.0)) - np.log((y + pseudo) / max(others, 1.0)))


@njit(cache=True, nogil=True)
def held_inside(indptr: I64, values: I32, accounts: I32, mass: F64, inside: F64) -> I32:
    """Add each account's ``mass`` to its values in ``inside`` (zeros before); returns the values met."""
    met = np.empty(len(inside), np.int32)
    n = 0
    for account in accounts:
        if mass[account] > 0.0:
            for j in range(indptr[account], indptr[account + 1]):
                if inside[values[j]] == 0.0:
                    met[n] = values[j]
                    n += 1
                inside[values[j]] += mass[account]
    return met[:n]


@njit(cache=True, nogil=True)
def nearest(
    met: I32,
    inside: F64,
    everybody: F64,
    holders_ptr: I64,
    holders: I32,
    weight: F64,
    mass: F64,
    members: float,
    others: float,
    pseudo: float,
    least: float,
    best: F64,
) -> None:
    """Raise each holder's ``best`` to the nearness of its nearest value, the holder itself left out, from ``least`` on.

    ``inside`` is the mass of the group's members that hold each of the values ``met``, ``everybody`` the weight of all
    who hold it. Values that cannot be near for anybody are passed over.
    """
    for value in met:
        x = inside[value]
        if x < 0.5 or nearness(x, max(everybody[value] - 1.0 - x, 0.0), members, others, pseudo) < least:
            continue
        for j in range(holders_ptr[value], holders_ptr[value + 1]):
            account = holders[j]
            rest = max(x - mass[account], 0.0)
            if rest >= 0.5:
                outside = max(everybody[value] - weight[account] - rest, 0.0)
                near = nearness(rest, outside, members, others, pseudo)
                if near >= least and near > best[account]:
                    best[account] = near
