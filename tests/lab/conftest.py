"""One small world for all tests of the room."""

from __future__ import annotations

from pathlib import Path

import pytest

from stillwatch.lab.generate import generate
from stillwatch.lab.honest import KINDS
from stillwatch.lab.scenario import Campaign, Scenario

MANY = 60
SMALL = Scenario(
    name="small",
    days=2,
    release_day=1.0,
    volume=0.5,
    honest={"chat": 250, "developers": 150} | {kind: 12 for kind in KINDS if kind not in ("chat", "developers")},
    campaigns=(
        Campaign(name="thoughts", tactics=("T-COT", "T-SEARCH", "T-REPLAY", "T-LAUNDER"), accounts=40, ban_rate=0.2),
        Campaign(
            name="grader",
            tactics=("T-RUBRIC", "T-PIVOT", "T-PROBE"),
            accounts=40,
            infrastructure="unique",
            signup="aged",
        ),
        Campaign(name="relay", tactics=("T-RELAY", "T-FAILOVER", "T-SANITISE"), accounts=40, dispatch="sticky"),
        Campaign(
            name="experts",
            tactics=("T-PERSONA", "T-CHANNELS"),
            accounts=40,
            cover=0.5,
            paraphrase=1.0,
            dispatch="random",
        ),
        Campaign(
            name="slow", tactics=("T-REWRITE", "T-PROGRAMME"), accounts=40, requests_per_account_day=4, slow_start=1.0
        ),
        Campaign(name="tongues", tactics=("T-LANGUAGE", "T-NORAMP"), accounts=40, start_day=0.5, working_hours=True),
    ),
)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A written world with every honest kind and every tactic."""
    out = tmp_path_factory.mktemp("world")
    generate(SMALL, 3, out)
    return out
