"""The fitted numbers of ``fitted.yaml``."""

from __future__ import annotations

from importlib import resources
from typing import Any

import yaml

FITTED: dict[str, dict[str, Any]] = yaml.safe_load(
    resources.files("stillwatch.lab").joinpath("fitted.yaml").read_text("utf-8")
)
