"""Logs of every format with something wrong in them, for the fuzz of the whole command."""

from __future__ import annotations

import csv
import gzip
import io
import json
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

GOLDEN = Path(__file__).parent / "golden"
SECRET = "Zq7-secret-value"
"""Stands in every record; no message may ever show it."""

CANONICAL: dict[str, Any] = {
    "ts": "2026-06-01T00:00:00Z", "account_id": "a1", "exchange_id": "e", "org_id": "o", "model": "m", "channel": "api",
    "system_prompt": "Be brief.", "prompt": f"Write out the reasoning, step by step. {SECRET}", "response": "ok",
    "prompt_sketch": None, "template_id": None, "message_count": 2, "input_tokens": 5, "output_tokens": 7,
    "temperature": 0.5, "stream": True, "seed": 3, "status": 200, "refusal": False, "client_ip": "203.0.113.7",
    "asn": 64500,
    "user_agent": "ua",
}  # fmt: skip


def _golden(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (GOLDEN / name).read_text("utf-8").splitlines()]


BASES: dict[str, list[dict[str, Any]]] = {
    "canonical": [CANONICAL],
    **{
        path.stem: _golden(path.name)
        for path in sorted(GOLDEN.glob("*.jsonl"))
        if not path.stem.startswith("otel")  # several requests a line: told apart below
    },
    "otel": _golden("otel.jsonl"),
    "mapping": [{"when": 1_780_000_000_000, "who": {"id": "a"}, "said": f"hello {SECRET}", "n": {"in": 3}, "sse": "t"}],
}
MAPPING = (
    "columns:\n  ts: {path: when, unit: ms}\n  account_id: who.id\n  prompt: said\n"
    "  input_tokens: {path: n.in, type: integer}\n  stream: {path: sse, type: boolean}\n"
)

_deep = [None]
for _ in range(400):
    _deep = [_deep]  # type: ignore[list-item]

WEIRD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**80), 2**80),
    st.sampled_from([0, -1, 2**31, 2**63, -(2**63), 10**30, 10**400, 1_780_000_000, 253402300800, 1e17]),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        [
            "", " ", "NaN", "Infinity", "-5", "1e999", "0x10", "null", "true", "{", "[1", '{"a": {}}', "[]", "{}",
            "\u202e", "\0", "a\u0000b", "\ud800", "\udcff", "\ufeff", "2026-06-01", "2026-06-01T00:00:00+09:00",
            "2026-06-01 10:00:00.25+00",
            "2026-02-30T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01", "١٢٣", "１２", "--", "-",
            "a,b\n\"c\"\r\nd", SECRET,
        ]
    ),
    st.just(_deep),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(max_size=3), max_size=3),
)  # fmt: skip


class Written(NamedTuple):
    """A log on disk and what is known of it."""

    path: Path
    source: str | None
    records: int | None
    """Requests in it; None where bytes were damaged, so that nobody knows."""


def _places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a record, itself left out, down to where a mistake could still matter."""
    found = [here] if here else []
    if len(here) > 8:
        return found
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        found += _places(inside, (*here, key))
    return found


@st.composite
def _broken(draw: st.DrawFn, base: dict[str, Any]) -> dict[str, Any]:
    record = deepcopy(base)
    for _ in range(draw(st.integers(0, 3))):
        places = _places(record)
        if not places:
            break
        *way, last = draw(st.sampled_from(places))
        owner: Any = record
        for step in way:
            owner = owner[step]
        change = draw(st.sampled_from(["set", "set", "set", "delete", "add"]))
        if change == "set":
            owner[last] = deepcopy(draw(WEIRD))
        elif change == "delete":
            del owner[last]
        elif isinstance(owner, dict):
            owner[draw(st.text(max_size=5))] = deepcopy(draw(WEIRD))
    return record


def _json(value: Any) -> bytes:
    """As sloppy writers do: NaN and lone surrogates included."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _csv(records: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    names = sorted({str(key).replace("\n", "") for r in records for key in r}) or ["ts"]
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([name.encode("utf-8", "replace").decode() for name in names])
    for r in records:
        writer.writerow([v if isinstance(v, str | int | float) else json.dumps(v) for v in (r.get(n) for n in names)])
    return text.getvalue().encode("utf-8", "surrogatepass")


def _damaged(draw: st.DrawFn, content: bytes) -> bytes:
    how = draw(st.sampled_from(["cut", "flip", "insert", "latin-1", "utf-16", "repeat", "nothing left"]))
    at = draw(st.integers(0, max(len(content) - 1, 0)))
    if how == "cut":
        return content[:at]
    if how == "flip":
        return content[:at] + bytes([draw(st.integers(0, 255))]) + content[at + 1 :]
    if how == "insert":
        return content[:at] + draw(st.binary(min_size=1, max_size=8)) + content[at:]
    if how == "repeat":
        return content + content[at:]
    if how == "nothing left":
        return b""
    return content.decode("utf-8", "replace").encode(how, "replace")


def _packed(content: bytes, codec: str) -> bytes:
    if codec == "gzip":
        return gzip.compress(content, 1)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(content)
    return bytes(sink.getvalue())


@st.composite
def text_logs(draw: st.DrawFn, folder: Path) -> Written:
    """JSON lines, a JSON array or CSV of some format, with mistakes in values, in bytes, or in neither."""
    name = draw(st.sampled_from(sorted(BASES)))
    shape = draw(st.sampled_from(["lines", "lines", "array", "csv"]))
    wanted = draw(st.lists(st.sampled_from(BASES[name]), min_size=1, max_size=5))
    records = [draw(_broken(base)) for base in wanted]
    records = [r for r in records if r] or [wanted[0]]
    if shape == "lines":
        content = b"".join(_json(r) + draw(st.sampled_from([b"\n", b"\r\n", b"\n\n"])) for r in records)
    else:
        content = _json(records) if shape == "array" else _csv(records)
    content = draw(st.sampled_from([b"", b"", b"\xef\xbb\xbf"])) + content
    known = True
    if draw(st.integers(0, 3)) == 0:
        content, known = _damaged(draw, content), False
    codec = draw(st.sampled_from(["", "", "gzip", "zstd"]))
    if codec:
        content = _packed(content, codec)
        if draw(st.integers(0, 4)) == 0:
            content, known = _damaged(draw, content), False
    path = folder / draw(
        st.sampled_from(["log.csv"] if shape == "csv" else ["log.json", "log.ndjson", "log", "log.jsonl.gz"])
    )
    path.write_bytes(content)
    source = _source(draw, name, folder)
    counted = known and name != "otel" and not (shape == "csv" and any(_blank(r) for r in records))
    return Written(path, source, len(records) if counted else None)


def _blank(record: dict[str, Any]) -> bool:
    return all(v == "" for v in record.values())


def _source(draw: st.DrawFn, name: str, folder: Path) -> str | None:
    if name == "mapping":
        (folder / "map.yaml").write_text(MAPPING)
        return str(folder / "map.yaml")
    return draw(st.sampled_from([None, name.split("-")[0], "canonical"]))


TYPES = (
    pa.null(), pa.bool_(), pa.int8(), pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.string(),
    pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary(4), pa.date32(), pa.date64(),
    pa.time64("us"),
    pa.timestamp("s"), pa.timestamp("ns", "Asia/Tokyo"), pa.timestamp("us", "UTC"), pa.duration("us"),
    pa.decimal128(38, 3),
    pa.list_(pa.int64()), pa.struct([("a", pa.string())]), pa.map_(pa.string(), pa.int64()),
    pa.dictionary(pa.int8(), pa.string()), pa.dictionary(pa.int16(), pa.int64()), pa.uuid(), pa.json_(),
)  # fmt: skip


def _arrow(draw: st.DrawFn, kind: pa.DataType, n: int) -> pa.Array:
    """n values of a type, raw bits included: times beyond any calendar, text that is not UTF-8."""
    if draw(st.integers(0, 5)) == 0:
        return pa.nulls(n, kind)
    if pa.types.is_dictionary(kind):
        values = _arrow(draw, kind.value_type, 2)
        codes = pa.array(draw(st.lists(st.sampled_from([0, 1, None]), min_size=n, max_size=n)), kind.index_type)
        return pa.DictionaryArray.from_arrays(codes, values)
    if isinstance(kind, pa.BaseExtensionType):
        return kind.wrap_array(_arrow(draw, kind.storage_type, n))
    if pa.types.is_string(kind) and draw(st.booleans()):
        raw = pa.array(draw(st.lists(st.binary(max_size=6), min_size=n, max_size=n)), pa.binary())
        return pa.Array.from_buffers(pa.string(), n, raw.buffers())
    for values in (
        st.integers(-(2**62), 2**62), st.floats(width=16), st.text(max_size=6), st.binary(min_size=4, max_size=4),
        st.booleans(),
        st.lists(st.integers(0, 9), max_size=2), st.fixed_dictionaries({"a": st.text(max_size=3)}),
        st.lists(st.tuples(st.text(max_size=2), st.integers(0, 9)), max_size=2), st.binary(min_size=16, max_size=16),
    ):  # fmt: skip
        drawn = draw(st.lists(st.none() | values, min_size=n, max_size=n))
        try:
            made = pa.array(drawn)
            if pa.types.is_integer(made.type) and kind.bit_width == 64 and pa.types.is_temporal(kind):
                return pa.array(drawn, pa.int64()).view(kind)
            return pa.array(drawn, kind)
        except (pa.ArrowException, OverflowError, ValueError, TypeError):
            continue
    return pa.nulls(n, kind)


@st.composite
def parquet_logs(draw: st.DrawFn, folder: Path) -> Written:
    """Parquet with columns of every type, good ones among them."""
    n = draw(st.sampled_from([0, 1, 2, 5]))
    columns: dict[str, pa.Array] = {
        "ts": pa.array([1_780_000_000_000_000 + i for i in range(n)], pa.timestamp("us", "UTC")),
        "account_id": pa.array([f"a{i}" for i in range(n)], pa.string()),
        "prompt": pa.array([SECRET] * n, pa.string()),
    }
    for name in draw(st.lists(st.sampled_from([*CANONICAL, "unknown column"]), max_size=4)):
        columns[name] = _arrow(draw, draw(st.sampled_from(TYPES)), n)
    if draw(st.integers(0, 9)) == 0:
        del columns[draw(st.sampled_from(sorted(columns)))]
    path = folder / "log.parquet"
    try:
        pq.write_table(pa.table(columns), path, row_group_size=draw(st.sampled_from([1, 2, 100])))
    except (pa.ArrowException, UnicodeDecodeError):  # this type cannot be written
        return draw(parquet_logs(folder))
    known = True
    if draw(st.integers(0, 3)) == 0:
        path.write_bytes(_damaged(draw, path.read_bytes()))
        known = False
    source = _source(draw, draw(st.sampled_from(["canonical", "canonical", "mapping"])), folder)
    return Written(path, source, n if known else None)
