"""Licences: who may distil which model, over which channel, how much, and when."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase

import msgspec


class Licence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the licences file (contract, section 1). Absent limits do not limit."""

    id: str
    org_id: str | None = None
    account_ids: tuple[str, ...] = ()
    models: tuple[str, ...] = ("*",)
    purpose: str = "distillation"
    channels: tuple[str, ...] = ()
    max_exchanges: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    def allows_model(self, model: str) -> bool:
        """Whether a teacher model is covered; the globs are those of ``fnmatch``.

        >>> Licence(id="l", org_id="o", models=("atlas-*",)).allows_model("atlas-large")
        True
        """
        return any(fnmatchcase(model, pattern) for pattern in self.models)


class LicenceFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The YAML file's top level."""

    licences: tuple[Licence, ...]
