"""Arrow tables on their way through Spark, which knows no unsigned numbers and one table per task.

Spark's widest integer is signed. A 64-bit hash u becomes u XOR 2^63, read as a signed number: equality, order, minimum
and maximum stay what they were; literals and arithmetic do not (``dialect`` moves the former, refuses the latter).
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

ROWS = 32_768
"""Most rows of a table in one packet: some megabytes, several of which a task's JVM holds at a time."""
SCHEMA = pa.schema([("relation", pa.string()), ("place", pa.int64()), ("packet", pa.binary())])
"""What a task gives back: a piece of a relation (Arrow IPC), or in the relation :data:`REPORT` what went wrong."""
REPORT = ""

_TOP = pa.scalar(1 << 63, pa.uint64())
_WIDER = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.int64()}
_NAMES = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "TINYINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INT",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.string(): "STRING",
    pa.binary(): "BINARY",
}


def signed_schema(schema: pa.Schema) -> pa.Schema:
    """The schema as Spark can hold it."""
    return pa.schema([(f.name, _signed(f.type)) for f in schema])


def _signed(kind: pa.DataType) -> pa.DataType:
    return pa.list_(_signed(kind.value_type)) if pa.types.is_list(kind) else _WIDER.get(kind, kind)


def _hashes(kind: pa.DataType) -> bool:
    return bool((kind.value_type if pa.types.is_list(kind) else kind) == pa.uint64())


def _moved(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Hashes of 64 bits, or lists of them, as signed numbers or back."""
    if pa.types.is_list(array.type):
        at = array.offsets
        inner = array.values.slice(at[0].as_py(), at[-1].as_py() - at[0].as_py())
        return pa.ListArray.from_arrays(pc.subtract(at, at[0]), _moved(inner, kind))
    return pc.bit_wise_xor(array.view(pa.uint64()), _TOP).view(kind)


def spark_schema(schema: pa.Schema) -> str:
    """The same in Spark's words."""
    return ", ".join(f"`{f.name}` {_name(f.type)}" for f in signed_schema(schema))


def _name(kind: pa.DataType) -> str:
    return f"ARRAY<{_name(kind.value_type)}>" if pa.types.is_list(kind) else _NAMES[kind]


def to_signed(table: pa.Table) -> pa.Table:
    """A table as Spark can hold it."""
    columns = [
        pa.chunked_array([_moved(chunk, pa.int64()) for chunk in column.chunks], _signed(column.type))
        if _hashes(column.type)
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names).cast(signed_schema(table.schema))


def from_signed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table of Spark's as ``schema`` says that it is."""
    columns = [
        pa.chunked_array([_moved(chunk, pa.uint64()) for chunk in column.chunks], field.type)
        if _hashes(field.type)
        else column.cast(field.type)
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.table(columns, schema=schema)


def pack(relation: str, place: int, table: pa.Table) -> Iterator[pa.RecordBatch]:
    """A table in packets, signed."""
    plain = to_signed(table)
    for at in range(0, plain.num_rows, ROWS):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, plain.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(plain.slice(at, ROWS))
        yield row(relation, place, sink.getvalue().to_pybytes())


def row(relation: str, place: int, packet: bytes) -> pa.RecordBatch:
    """One row of :data:`SCHEMA`."""
    return pa.RecordBatch.from_pydict({"relation": [relation], "place": [place], "packet": [packet]}, schema=SCHEMA)


def unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows in a column of packets."""
    for batch in batches:
        for packet in batch.column(0):
            with pa.ipc.open_stream(packet.as_buffer()) as stream:
                yield from stream
