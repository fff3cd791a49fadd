"""`stillwatch sketch`: replace text by sketches, so that it can stay at the edge."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES
from stillwatch.kernels.text import fingerprint_texts
from stillwatch.signals.features import PREFIX_TOKENS
from stillwatch.signals.sketch import encode
from stillwatch.sources import open_log

TEXT = ("system_prompt", "prompt", "response")


def sketch(
    exchanges: list[str] = typer.Argument(..., help="Logs: paths, globs, directories."),
    out: Path = typer.Option(..., "--out", help="The Parquet file to write."),
    source: str | None = typer.Option(None, "--source", help="Log format or mapping file; detected when absent."),
    on_bad_row: str = typer.Option("fail", "--on-bad-row", help="fail, or quarantine: OUT.quarantine lists the rows."),
) -> None:
    """Write the log again with sketches in place of system prompt, prompt and response."""
    if out.exists():
        raise InputError("the file exists already", where=str(out), remedy="name a new file")
    if on_bad_row not in ("fail", "quarantine"):
        raise InputError("--on-bad-row is neither fail nor quarantine")
    aside: Literal["fail", "quarantine"] = "quarantine" if on_bad_row == "quarantine" else "fail"
    reader = open_log(exchanges, source=source, on_bad_row=aside)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f".{out.name}.unfinished")
    try:
        with pq.ParquetWriter(unfinished, EXCHANGES, compression="zstd") as writer:
            for batch in reader.batches():
                writer.write_table(_sketched(batch))
        unfinished.rename(out)
    finally:
        unfinished.unlink(missing_ok=True)
    typer.echo(f"sketches: {out}")
    if len(reader.quarantine):
        listed = out.with_name(f"{out.name}.quarantine")
        pq.write_table(reader.quarantine_table(), listed)
        typer.echo(f"rows that could not be read: {len(reader.quarantine):,}, listed in {listed}")


def _sketched(batch: pa.RecordBatch) -> pa.Table:
    """The canonical columns of a batch, text replaced. What is sketched already stays as it is."""
    system = fingerprint_texts(batch.column("system_prompt"), None)
    prompt = fingerprint_texts(batch.column("prompt"), None)
    columns = {name: batch.column(name) for name in EXCHANGES.names}
    columns["prompt_sketch"] = pc.coalesce(encode(system, prompt), batch.column("prompt_sketch"))
    # the prefix stays comparable: the exact request is what a failover repeats
    long = prompt.n_tokens >= PREFIX_TOKENS
    names = [f"{h:016x}" if told else None for h, told in zip(prompt.hash.tolist(), long.tolist(), strict=True)]
    columns["prefix_hash"] = pc.coalesce(batch.column("prefix_hash"), pa.array(names, pa.string()))
    for name in TEXT:
        columns[name] = pa.nulls(batch.num_rows, pa.string())
    return pa.table(columns, schema=EXCHANGES)
