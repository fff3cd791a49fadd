"""`stillwatch scan`: read, detect, write a case."""

from __future__ import annotations

import json as jsonlib
import platform
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import duckdb
import numba
import numpy as np
import pyarrow as pa
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from stillwatch import __version__
from stillwatch.campaigns.past import Past
from stillwatch.campaigns.run import ScanInput, Settings, run_scan
from stillwatch.case import check_place, impact_cost, price_table, write_case
from stillwatch.cli.engines import opened, recorded
from stillwatch.cli.sizes import memory_of
from stillwatch.domain.errors import InputError
from stillwatch.report import print_summary, render_report, summary_json
from stillwatch.signals.features import FEATURES
from stillwatch.sources import read_licences
from stillwatch.state import State

HISTORY = 0.1
_RECOVERED = (
    "stillwatch: the state's newest manifest was damaged, the one before it is used; "
    "scan the last log again (what is known already is not counted twice)"
)


def scan(
    exchanges: list[str] = typer.Argument(..., help="Logs: paths, globs, directories; with Spark table:NAME or URIs."),
    out: Path = typer.Option(..., "--out", help="The case directory to write."),
    accounts: str | None = typer.Option(None, "--accounts", help="The accounts table."),
    licences: Path | None = typer.Option(None, "--licences", help="The licences file (YAML)."),
    source: str | None = typer.Option(None, "--source", help="Log format or mapping file; detected when absent."),
    engine: str = typer.Option("duckdb", "--engine", help="duckdb (embedded), spark or spark:MASTER."),
    on_bad_row: str = typer.Option("fail", "--on-bad-row", help="fail or quarantine."),
    rate: float = typer.Option(0.01, "--rate", min=1e-6, max=0.5, help="False-discovery rate over groups."),
    prices: Path | None = typer.Option(None, "--prices", help="Price table (YAML) for the impact in money."),
    threads: int = typer.Option(2, "--threads", min=1, help="Threads; results do not depend on it."),
    memory: str | None = typer.Option(None, "--memory", help="Memory to keep to, such as 4GiB; slower with less."),
    seed: int = typer.Option(1, "--seed", help="Seed of the permutation tests."),
    state: Path | None = typer.Option(None, "--state", help="What earlier scans learnt, and this one adds to."),
    history: str | None = typer.Option(
        None, "--history", help="Of earlier exchanges, look again at so many: a share of the log's (0.1), or all."
    ),
    show_text: bool = typer.Option(False, "--show-text", help="Do not mask example texts in the report."),
    quiet: bool = typer.Option(False, "--quiet", help="No output."),
    json: bool = typer.Option(False, "--json", help="The summary as JSON on standard output."),
) -> None:
    """Find campaigns in API logs. Exit status 0: none, 3: found, 2: bad input, 1: failure."""
    if on_bad_row not in ("fail", "quarantine"):
        raise InputError("--on-bad-row is neither fail nor quarantine")
    aside: Literal["fail", "quarantine"] = "quarantine" if on_bad_row == "quarantine" else "fail"
    timings: dict[str, float] = {}
    console = Console(stderr=True)
    with (
        ExitStack() as lasting,
        _steps(console, enabled=console.is_terminal and not quiet and not json, timings=timings) as progress,
    ):
        progress("reading")
        check_place(out)  # a place that cannot be written is told before the work, not after it
        licence_list = read_licences(licences) if licences else ()
        price_list = price_table(prices) if prices else None
        settings = Settings(rate=rate, seed=seed, threads=threads)
        share = history_share(history)
        if history is not None and state is None:
            raise InputError("--history needs --state", remedy="name the state whose history is meant")
        remembered = lasting.enter_context(State.open(state, features=FEATURES, create=True)) if state else None
        past = Past(remembered, share=share, threads=threads) if remembered else None
        if remembered is not None and remembered.recovered and not quiet:
            typer.echo(_RECOVERED, err=True)
        with opened(
            engine, exchanges, accounts, source=source, on_bad_row=aside, threads=threads, memory=memory_of(memory)
        ) as running:
            reader, table = running.reader, running.accounts
            reader.on_progress = lambda share: progress("text pass", share)
            given = ScanInput(
                reader=reader,
                accounts=table.table if table else None,
                licences=licence_list,
                quarantine=aside == "quarantine",
                show_text=show_text,
                set_aside=table.quarantine if table else None,
            )
            with ThreadPoolExecutor(1) as beside:  # hashing lets go of the interpreter
                inputs = beside.submit(reader.inputs)
                case = run_scan(running.engine, given, settings, past=past, step=progress)
            case.run["inputs"] = inputs.result()
        if price_list is not None:
            case = impact_cost(case, price_list)
        besides = {"accounts": accounts, "licences": licences, "prices": prices, "mapping": _mapping(source)}
        case.run["tables"] = {role: recorded(str(where)) for role, where in besides.items() if where is not None}
        case.run["ignored_files"] = list(reader.ignored)
        if reader.quarantine.passed_over:
            case.run["capped"]["records that are no model requests"] = reader.quarantine.passed_over
        case.run["versions"] = _versions() | running.versions
        case.run["settings"] = {
            "rate": rate,
            "seed": seed,
            "on_bad_row": on_bad_row,
            "engine": engine,
            "show_text": show_text,
            "source": reader.format,
        } | ({"history": share} if past is not None else {})
        progress("writing")
        write_case(case, out, timings=timings)
        (out / "report.html").write_text(render_report(case), encoding="utf-8")
        if past is not None:  # last: a scan that dies before has not happened, and can be made again
            past.commit(reader.columns_present)
        progress("")
    if json:
        typer.echo(jsonlib.dumps(summary_json(case), ensure_ascii=False, sort_keys=True))
    elif not quiet:
        print_summary(case, Console())
        typer.echo(f"case: {out}   report: {out / 'report.html'}")
    if any(c.verdict == "campaign" and not c.quiet for c in case.campaigns):
        raise typer.Exit(3)


def history_share(given: str | None) -> float | None:
    """The share that ``--history`` names; None for all of it. Raises :class:`InputError` for what is neither.

    >>> history_share("0.25"), history_share(None), history_share("all")
    (0.25, 0.1, None)
    """
    if given is None:
        return HISTORY
    if given == "all":
        return None
    try:
        share = float(given)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1000:
        raise InputError(f"--history {given[:20]!r} is no share", remedy="write it like 0.1, or all")
    return share


def _mapping(source: str | None) -> str | None:
    return source if source is not None and source.endswith((".yaml", ".yml")) else None


def _versions() -> dict[str, str]:
    return {
        "stillwatch": __version__,
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "pyarrow": pa.__version__,
        "numpy": np.__version__,
        "numba": numba.__version__,
    }


@contextmanager
def _steps(console: Console, *, enabled: bool, timings: dict[str, float]) -> Iterator[Any]:
    """A progress line at a terminal; the seconds of each step either way."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not enabled,
        transient=True,
    )
    with bar:
        task = bar.add_task("starting", total=None)
        state: dict[str, Any] = {"name": None, "since": time.perf_counter()}

        def step(name: str, share: float | None = None) -> None:
            if name != state["name"]:
                now = time.perf_counter()
                if state["name"]:
                    timings[state["name"]] = round(timings.get(state["name"], 0.0) + now - state["since"], 3)
                state.update(name=name, since=now)
            bar.update(task, description=name, total=None if share is None else 1.0, completed=share or 0.0)

        yield step
