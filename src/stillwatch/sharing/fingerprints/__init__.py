"""What is a campaign's own and may be shown to others: prefixes, stacks and templates held by several of its members
and hardly by anybody else."""

from __future__ import annotations

from stillwatch.sharing.fingerprints.gather import Fingerprint, Limits, gather

__all__ = ["Fingerprint", "Limits", "gather"]
