"""Property tests draw the same examples in every run, however slow the machine: a change is judged by its own tests."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("seeded", derandomize=True, database=None, deadline=None)
settings.load_profile("seeded")
