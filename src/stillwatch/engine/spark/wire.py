"""Arrow tables on their way through Spark, which knows no unsigned numbers and one table per task.

Bulk (tables of numbers) passes through in packets that only the driver opens. What Spark is to work on is signed.
Spark's widest integer is signed. A 64-bit hash u becomes u XOR 2^63, read as a signed number: equality, order, minimum
and maximum stay what they were; literals and arithmetic do not (``dialect`` moves the former, refuses the latter).
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.engine.columns import marked

ROWS = 8_192
"""Most rows of a table in one packet: a few megabytes, several of which a Java program holds at a time."""
SCHEMA = pa.schema([("relation", pa.string()), ("place", pa.int64()), ("nth", pa.int64()), ("packet", pa.binary())])
"""What a task gives back: a piece of a relation (Arrow IPC), or in the relation :data:`REPORT` what went wrong. By
place, and by number in one place, packets are in the order of the log."""
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
    return pa.schema([(f.name, _WIDER.get(f.type, f.type)) for f in schema])


def spark_schema(schema: pa.Schema) -> str:
    """The same in Spark's words."""
    return ", ".join(f"`{f.name}` {_NAMES[f.type]}" for f in signed_schema(schema))


def to_signed(table: pa.Table) -> pa.Table:
    """A table as Spark can hold it."""
    columns = [
        pa.chunked_array([pc.bit_wise_xor(chunk, _TOP).view(pa.int64()) for chunk in column.chunks], pa.int64())
        if column.type == pa.uint64()
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names).cast(signed_schema(table.schema))


def from_signed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table of Spark's as ``schema`` says that it is."""
    columns = [
        pa.chunked_array([pc.bit_wise_xor(chunk.view(pa.uint64()), _TOP) for chunk in column.chunks], pa.uint64())
        if field.type == pa.uint64()
        else column.cast(field.type)
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.table(columns, schema=schema)


def pack(relation: str, place: int, numbers: Iterator[int], table: pa.Table) -> Iterator[pa.RecordBatch]:
    """A table in packets, which take the next ``numbers``; signed unless it is :func:`marked`."""
    plain = table if marked(table.schema) else to_signed(table)
    for at in range(0, plain.num_rows, ROWS):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, plain.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(plain.slice(at, ROWS))
        yield row(relation, place, next(numbers), sink.getvalue().to_pybytes())


def row(relation: str, place: int, nth: int, packet: bytes) -> pa.RecordBatch:
    """One row of :data:`SCHEMA`."""
    return pa.RecordBatch.from_arrays([pa.array([v]) for v in (relation, place, nth, packet)], schema=SCHEMA)


def unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows in a column of packets."""
    for batch in batches:
        for packet in batch.column(0):
            yield from opened(packet.as_buffer()).to_batches()


def opened(packet: pa.Buffer | bytes | bytearray) -> pa.Table:
    """What is in one packet."""
    with pa.ipc.open_stream(packet) as stream:
        return stream.read_all()
