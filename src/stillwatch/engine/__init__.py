"""Running one statement of SQL and kernels; DuckDB is the embedded engine."""

from stillwatch.engine.duck import DuckEngine
from stillwatch.engine.protocol import Capabilities, Engine

__all__ = ["Capabilities", "DuckEngine", "Engine"]
