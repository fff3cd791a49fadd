"""A user's own format: a YAML file that says which column lies where."""

from __future__ import annotations

from pathlib import Path

import yaml

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES, REQUIRED
from stillwatch.sources.formats import FORMATS, Format
from stillwatch.sources.rules import check_rule


def mapping_file(path: Path) -> Format:
    """The format of a mapping file: ``columns: {ts: {path: a.b, unit: ms}, account_id: user.id, …}``."""
    where = path.name
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise InputError("cannot be read", where=str(path)) from exc
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError, ValueError) as exc:
        raise InputError("is not YAML", where=where) from exc
    columns = raw.get("columns", raw) if isinstance(raw, dict) else None
    missing = raw.get("missing", []) if isinstance(raw, dict) and "columns" in raw else []
    if not isinstance(columns, dict) or not all(isinstance(name, str) for name in columns):
        raise InputError("is not a mapping of columns", where=where, remedy="write `columns: {ts: path, …}`")
    if isinstance(raw, dict) and "columns" in raw and (more := sorted(map(str, set(raw) - {"columns", "missing"}))):
        raise InputError(f"unknown keys: {', '.join(more)}", where=where, remedy="it knows columns and missing")
    if not isinstance(missing, list) or not all(isinstance(text, str) for text in missing):
        raise InputError("`missing` is a list of texts", where=where)
    if unknown := sorted(set(columns) - set(EXCHANGES.names)):
        raise InputError(f"unknown columns: {', '.join(unknown)}", where=where, remedy="docs/sources.md lists them")
    for name in REQUIRED:
        if name not in columns:
            raise InputError(f"required column {name} is not mapped", where=where)
    for name, rule in columns.items():
        check_rule(name, rule, where)
    return Format(name="mapping", title=path.name, columns=columns, missing=tuple(missing))


def by_name(name: str) -> Format:
    """A format by its name, or a mapping file by its path."""
    for known in FORMATS:
        if known.name == name:
            return known
    if name.endswith((".yaml", ".yml")):
        return mapping_file(Path(name))
    raise InputError(
        f"unknown source {name!r}", remedy=f"one of {', '.join(f.name for f in FORMATS)}, or a mapping file"
    )
