"""Reading logs: records a second and peak memory of each format, and of one file at growing size.

    python bench/sources.py [--exchanges 100000] [--times 1,20]

Writes the lab's demo in several formats, then the NDJSON and the array many times over, and reads each file in a
process of its own. Prints Markdown; seconds are CPU seconds of that process, start and imports included.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from launch import ran
from stillwatch.lab.generate import generate
from stillwatch.lab.scenario import load

READ = """
import sys
from stillwatch.sources import open_log
reader = open_log(sys.argv[1:])
print(sum(batch.num_rows for batch in reader.batches()))
"""


def canonical(record: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in record.items() if v is not None} | {"ts": record["ts"].isoformat()}


def litellm(record: dict[str, Any]) -> dict[str, Any]:
    """The same exchange as LiteLLM's StandardLoggingPayload."""
    said = [("system", record["system_prompt"]), ("user", record["prompt"])]
    return {
        "id": record["exchange_id"], "call_type": "acompletion", "status": "success", "model_group": "atlas",
        "custom_llm_provider": record["channel"], "model": record["model"], "startTime": record["ts"].timestamp(),
        "prompt_tokens": record["input_tokens"], "completion_tokens": record["output_tokens"],
        "metadata": {"user_api_key_hash": record["account_id"], "requester_ip_address": record["client_ip"]},
        "messages": [{"role": role, "content": text} for role, text in said if text],
        "response": {"choices": [{"message": {"content": record["response"]}}]},
        "model_parameters": {"temperature": record["temperature"]},
    }  # fmt: skip


def span(record: dict[str, Any]) -> dict[str, Any]:
    """The same exchange as an OTLP span."""
    asked = json.dumps([{"role": "user", "parts": [{"type": "text", "content": record["prompt"]}]}], ensure_ascii=False)
    known = {
        "user.id": record["account_id"], "gen_ai.operation.name": "chat", "gen_ai.request.model": record["model"],
        "client.address": record["client_ip"], "gen_ai.input.messages": asked,
    }  # fmt: skip
    return {
        "spanId": record["exchange_id"],
        "startTimeUnixNano": str(int(record["ts"].timestamp() * 1e6) * 1000),
        "attributes": [{"key": key, "value": {"stringValue": text}} for key, text in known.items() if text],
    }


def exports(spans: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """OTLP exports of fifty spans."""
    for low in range(0, len(spans), 50):
        yield {"resourceSpans": [{"scopeSpans": [{"spans": spans[low : low + 50]}]}]}


def lines(path: Path, records: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in records)
    return path


def repeated(path: Path, source: Path, times: int) -> Path:
    """A text log many times over, an array as one array."""
    body = source.read_bytes()
    with path.open("wb") as file:
        if path.suffix != ".json":
            for _ in range(times):
                file.write(body)
            return path
        file.write(b"[")
        for number in range(times):
            file.write((b"," if number else b"") + body.strip()[1:-1])
        file.write(b"]")
    return path


def report(name: str, path: Path) -> None:
    done = ran(sys.executable, "-c", READ, str(path))
    rows, size = int(done.said), path.stat().st_size / 2**20
    cells = (name, f"{size:,.0f}", f"{rows:,}", f"{done.cpu_seconds:.1f}", f"{rows / done.cpu_seconds:,.0f}")
    print(f"| {' | '.join(cells)} | {done.peak_mib:,} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=100_000)
    parser.add_argument("--times", default="1,20")
    given = parser.parse_args()
    print("| log | MiB | exchanges | CPU s | exchanges a CPU second | MiB peak |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        generate(load("demo"), 7, here / "world")
        table = pq.read_table(here / "world" / "exchanges.parquet").slice(0, given.exchanges)
        shutil.rmtree(here / "world")
        pq.write_table(table, here / "log.parquet", compression="zstd")
        records = table.to_pylist()
        report("Parquet", here / "log.parquet")
        drop = [n for n in table.column_names if pa.types.is_null(table[n].type) or table[n].null_count == len(table)]
        pacsv.write_csv(table.drop_columns(drop), here / "log.csv")
        report("CSV", here / "log.csv")
        plain = lines(here / "log.ndjson", [canonical(r) for r in records])
        report("NDJSON", plain)
        with plain.open("rb") as source, gzip.open(here / "log.ndjson.gz", "wb", compresslevel=1) as packed:
            shutil.copyfileobj(source, packed)
        report("NDJSON, gzip", here / "log.ndjson.gz")
        report("LiteLLM, NDJSON", lines(here / "litellm.ndjson", [litellm(r) for r in records]))
        report("OpenTelemetry, 50 spans a line", lines(here / "otel.ndjson", exports([span(r) for r in records])))
        array = here / "array.json"
        array.write_text(json.dumps([litellm(r) for r in records], ensure_ascii=False), "utf-8")
        del records, table
        for times in map(int, given.times.split(",")):
            report(f"NDJSON, {times} times", repeated(here / "big.ndjson", plain, times))
            (here / "big.ndjson").unlink()
            report(f"LiteLLM, one array, {times} times", repeated(here / "big.json", array, times))
            (here / "big.json").unlink()


if __name__ == "__main__":
    main()
