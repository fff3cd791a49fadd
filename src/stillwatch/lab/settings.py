"""Dials as they are written on the command line."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from stillwatch.domain.errors import InputError


def parse_dials(items: Iterable[str]) -> dict[str, Any]:
    """``DIAL=VALUE`` strings as overrides; values are YAML.

    >>> parse_dials(["campaigns.0.cover=0.5", "honest={chat: 60}"])
    {'campaigns.0.cover': 0.5, 'honest': {'chat': 60}}
    """
    overrides = {}
    for item in items:
        key, sign, value = item.partition("=")
        if not sign:
            raise InputError(f"--set {item}: expected DIAL=VALUE")
        overrides[key] = yaml.safe_load(value)
    return overrides
