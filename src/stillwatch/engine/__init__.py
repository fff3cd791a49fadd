"""Running one statement of SQL and kernels: on DuckDB, which is embedded, or on Spark (``engine.spark``, an extra)."""

from stillwatch.engine.columns import Columns, as_columns
from stillwatch.engine.duck import DuckEngine
from stillwatch.engine.protocol import Capabilities, Engine, Log, SharedLog, StepError

__all__ = ["Capabilities", "Columns", "DuckEngine", "Engine", "Log", "SharedLog", "StepError", "as_columns"]
