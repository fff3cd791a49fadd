"""Agent-based labelled worlds for Stillwatch; independent of the detector (see README.md)."""
