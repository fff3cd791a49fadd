"""Log formats, one declaration each, read into the contract's tables."""

from stillwatch.sources.files import digest, expand
from stillwatch.sources.formats import FORMATS, Format
from stillwatch.sources.reader import LogReader, open_log
from stillwatch.sources.tables import read_accounts, read_licences

__all__ = ["FORMATS", "Format", "LogReader", "digest", "expand", "open_log", "read_accounts", "read_licences"]
