"""Worlds to test on, and how well a case found what was in them. Nothing imports the lab."""
