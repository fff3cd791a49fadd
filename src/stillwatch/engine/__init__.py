"""Running one statement of SQL and kernels: on DuckDB, which is embedded, or on Spark (``engine.spark``, an extra)."""

from stillwatch.engine.columns import Columns, as_columns
from stillwatch.engine.duck import DuckEngine
from stillwatch.engine.memory import give_back
from stillwatch.engine.protocol import Capabilities, Engine, Log, SharedLog, StepError
from stillwatch.engine.threads import Threads

__all__ = [
    "Capabilities",
    "Columns",
    "DuckEngine",
    "Engine",
    "Log",
    "SharedLog",
    "StepError",
    "Threads",
    "as_columns",
    "give_back",
]
