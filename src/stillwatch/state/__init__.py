"""What was learnt on earlier days: features and sketches of exchanges, without text, that survive a crash."""

from stillwatch.state.manifest import FORMAT, Manifest, Segment
from stillwatch.state.store import Staged, State

__all__ = ["FORMAT", "Manifest", "Segment", "Staged", "State"]
