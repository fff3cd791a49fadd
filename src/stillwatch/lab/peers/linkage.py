"""Record linkage on the accounts table: Splink (Linacre et al.), Fellegi–Sunter weights learned by EM.

Accounts are compared on card, device, sign-up address and mail domain with term-frequency adjustments (the columns
whose weights EM can learn: no two accounts of a world share a phone), and clustered where a match is more likely than
not.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from stillwatch.domain.errors import InputError
from stillwatch.lab.peers.base import Found, World, large

BLOCKS = ("payment_fingerprint", "device_fingerprint", "signup_ip")
EXACT = (*BLOCKS, "email_domain")
PROBABILITY = 0.5


def detect(world: World) -> Found:
    """Clusters of linked accounts."""
    try:
        splink, library, backend = (
            import_module(f"splink{x}") for x in ("", ".comparison_library", ".backends.duckdb")
        )
    except ImportError as exc:
        raise InputError("splink is not installed", remedy="pip install 'stillwatch[peers]'") from exc
    world.db.execute(
        f"""CREATE TABLE people AS SELECT account_id AS unique_id, {", ".join(EXACT)}
        FROM accounts WHERE account_id IN (SELECT account_id FROM exchanges) ORDER BY account_id"""
    ).fetchall()
    linker = _linker(splink, library, backend, world)
    pairs = linker.inference.predict(threshold_match_probability=0.01)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, PROBABILITY)
    world.db.execute(f"CREATE VIEW clusters AS SELECT * FROM {clusters.physical_name}").fetchall()
    world.db.execute(f"CREATE VIEW pairs AS SELECT * FROM {pairs.physical_name}").fetchall()
    rows = world.db.execute(
        """SELECT c.unique_id, c.cluster_id, coalesce(max(p.match_probability), 0) FROM clusters AS c
        LEFT JOIN pairs AS p ON c.unique_id IN (p.unique_id_l, p.unique_id_r) GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    label = np.unique([r[1] for r in rows], return_inverse=True)[1]
    return large([r[0] for r in rows], label.astype(np.int64), np.array([r[2] for r in rows]), "splink")


def _linker(splink: Any, library: Any, backend: Any, world: World) -> Any:
    """A trained model: u by sampling, m by one EM session per blocking rule, as its guide has it."""
    api = backend.DuckDBAPI(connection=world.db)
    comparisons = [library.ExactMatch(c).configure(term_frequency_adjustments=True) for c in EXACT]
    settings = splink.SettingsCreator(
        link_type="dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[splink.block_on(c) for c in BLOCKS],
    )
    linker = splink.Linker(api.register(world.db.table("people")), settings, log_level=None)
    training = linker.training
    training.estimate_probability_two_random_records_match([splink.block_on("payment_fingerprint")], recall=0.5)
    training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for column in BLOCKS:
        training.estimate_parameters_using_expectation_maximisation(splink.block_on(column))
    return linker
