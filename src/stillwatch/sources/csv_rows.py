"""Rows of a CSV file, streamed. Bytes that are not UTF-8 survive as escapes until their value is read."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TextIO

from stillwatch.domain.errors import InputError
from stillwatch.sources.lines import MOST_LINE

Row = list[str] | str
"""The fields of a row, or why there are none."""


def csv_rows(text: TextIO) -> Iterator[Row]:
    """Rows that are not blank, the header first (names stripped, told apart)."""
    csv.field_size_limit(MOST_LINE)
    rows = csv.reader(text, strict=True)
    while True:
        try:
            fields = next(rows)
        except StopIteration:
            return
        except csv.Error as exc:
            yield f"is not CSV: {exc}"
            continue
        if fields:
            yield fields


def header(rows: Iterator[Row], file: str) -> list[str]:
    """The column names. Raises :class:`InputError` for none, or one that stands there twice."""
    first = next(rows, "is empty")
    if isinstance(first, str):
        raise InputError(first, where=file)
    names = [name.strip() for name in first]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        shown = twice[0].encode("utf-8", "replace").decode()
        raise InputError("a column stands twice in the header", where=f"{file}, column {shown}")
    return names
