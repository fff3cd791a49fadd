"""Which format a file is of, told from its first records."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import REQUIRED
from stillwatch.sources.csv_rows import csv_rows, header
from stillwatch.sources.files import Opened, kind
from stillwatch.sources.formats import FORMATS, Format
from stillwatch.sources.lines import pieces
from stillwatch.sources.paths import Record, entries, mapping
from stillwatch.sources.raw import records_of

LOOKED_AT = 50
_DECODER = msgspec.json.Decoder()
_ANTHROPIC_REQUEST = {"system", "thinking", "stop_sequences", "top_k", "anthropic_version"}
_OPENAI_REQUEST = {
    "input", "instructions", "n", "logprobs", "response_format", "max_completion_tokens", "seed", "frequency_penalty",
    "presence_penalty", "reasoning_effort", "safety_identifier", "prompt_cache_key",
}  # fmt: skip


def detect_file(path: Path) -> Format | None:
    """The format of a file; None where it has no readable record (reading it then says why)."""
    try:
        return detect(islice(_first_records(path), LOOKED_AT))
    except (OSError, EOFError, zlib.error, ValueError, pa.ArrowException, InputError):
        return None


def detect(records: Iterable[Record]) -> Format | None:
    """The format that most of some records are of; pairs of request and response by the marks of their bodies."""
    votes: Counter[str] = Counter()
    anthropic = seen = 0
    for record in records:
        seen += 1
        votes[_looks_like(record)] += 1
        anthropic += _anthropic_marks(record)
    if not seen:
        return None
    name = votes.most_common(1)[0][0]
    if name == "openai" and anthropic > 0:
        name = "anthropic"
    return next(f for f in FORMATS if f.name == name)


def _looks_like(record: Record) -> str:
    if all(column in record for column in REQUIRED):
        return "canonical"
    if mapping(record.get("request")):
        return "openai"
    return next((f.name for f in FORMATS if any(all(k in record for k in keys) for keys in f.tells)), "canonical")


def _anthropic_marks(record: Record) -> int:
    """Marks of Anthropic's bodies less those of OpenAI's."""
    request, response = mapping(record.get("request")), mapping(record.get("response"))
    marks = len(_ANTHROPIC_REQUEST & set(request)) - len(_OPENAI_REQUEST & set(request))
    marks += 2 * bool({"stop_reason", "stop_details"} & set(response) or response.get("type") in ("message", "error"))
    marks -= 2 * bool({"choices", "output", "object"} & set(response))
    said = (m.get("role") for m in entries(request.get("messages")) if isinstance(m, dict))
    return marks - any(role in ("system", "developer") for role in said)


def _first_records(path: Path) -> Iterator[Record]:
    what = kind(path)
    if what == "parquet":
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if all(column in names for column in REQUIRED):
                yield dict.fromkeys(REQUIRED)
                return
            for batch in file.iter_batches(LOOKED_AT):
                yield from (record for record in records_of(batch) if record is not None)
                return
        return
    with Opened(path) as opened:
        if what == "csv":
            rows = csv_rows(opened.text())
            names = header(rows, path.name)
            found: Iterator[Any] = (dict(zip(names, row, strict=False)) for row in rows if isinstance(row, list))
        else:
            found = (_decoded(piece) for piece in islice(pieces(opened.stream), LOOKED_AT))
        yield from (record for record in found if isinstance(record, dict))


def _decoded(piece: bytes | None) -> Any:
    try:
        return None if piece is None else _DECODER.decode(piece)
    except (ValueError, RecursionError):
        return None
