"""Property tests draw the same examples in every run: a change is judged by its own tests, not by the day's luck."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("seeded", derandomize=True, database=None)
settings.load_profile("seeded")
