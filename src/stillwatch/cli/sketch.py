"""`stillwatch sketch`: replace text by sketches, so that it can stay at the edge."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import typer

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES
from stillwatch.kernels.text import fingerprint_texts
from stillwatch.signals.sketch import encode
from stillwatch.sources import open_log

TEXT = ("system_prompt", "prompt", "response")


def sketch(
    exchanges: list[str] = typer.Argument(..., help="Logs: paths, globs, directories."),
    out: Path = typer.Option(..., "--out", help="The Parquet file to write."),
    source: str | None = typer.Option(None, "--source", help="Log format or mapping file; detected when absent."),
) -> None:
    """Write the log again with sketches in place of system prompt, prompt and response."""
    if out.exists():
        raise InputError("the file exists already", where=str(out), remedy="name a new file")
    reader = open_log(exchanges, source=source, on_bad_row="fail")
    with pq.ParquetWriter(out, EXCHANGES, compression="zstd") as writer:
        for batch in reader.batches():
            system = fingerprint_texts(batch.column("system_prompt"), None)
            prompt = fingerprint_texts(batch.column("prompt"), None)
            columns = {name: batch.column(name) for name in EXCHANGES.names}
            columns["prompt_sketch"] = encode(system, prompt)
            # the prefix stays comparable: the exact request is what a failover repeats
            names = pa.array([f"{h:016x}" if h else None for h in prompt.hash.tolist()], pa.string())
            columns["prefix_hash"] = pa.compute.coalesce(batch.column("prefix_hash"), names)
            for name in TEXT:
                columns[name] = pa.nulls(batch.num_rows, pa.string())
            writer.write_table(pa.table(columns, schema=EXCHANGES))
    typer.echo(f"sketches: {out}")
