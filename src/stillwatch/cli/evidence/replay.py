"""`stillwatch evidence replay`: the detector once more, on a bag."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stillwatch.cli.evidence.common import BAG, JSON, extra, print_json

if TYPE_CHECKING:
    from stillwatch.evidence.replay import Replay


def replay(
    bag: Path = BAG,
    threads: int = typer.Option(2, "--threads", min=1, help="Threads; results do not depend on it."),
    json: bool = JSON,
) -> None:
    """Run the detector on the sealed population; the seal itself is checked by `verify`.

    Exit status 0: the same findings, 1: others, 2: not possible.
    """
    with extra():
        from stillwatch.evidence.replay import replay as again
        from stillwatch.evidence.rerun import as_facts
    found = again(bag, threads=threads)
    if json:
        print_json({"reproduced": found.reproduced, "same_detector": found.same_detector, "case": as_facts(found.case)})
    else:
        _say(found)
    if not (found.reproduced and found.case.same):
        raise typer.Exit(1)


def _say(found: Replay) -> None:
    typer.echo(
        "the rerun gives what it gave when the bag was sealed, to the last digit"
        if found.reproduced
        else "the rerun does NOT give what it gave when the bag was sealed"
        + ("" if found.same_detector else " (detector or libraries are of other versions)")
    )
    same = found.case
    typer.echo(f"beside the case: {same.accounts_same:,} of {same.accounts:,} accounts have the same disposition")
    typer.echo(f"               {same.groups_same:,} of {len(same.groups):,} groups are the same")
    for g in same.groups:
        if g.differs:
            shared = f", {g.overlap:.1%} of the members in common" if g.overlap else ""
            what = f"differs in {', '.join(g.differs)}" if g.found_as else "not found again"
            typer.echo(f"  {g.id} ({g.verdict}): {what}{shared}")
    moved = sum(g.statistics_differ for g in same.groups if not g.differs)
    if moved:
        typer.echo(f"  {moved} groups are the same with other test statistics: ties were drawn in another order")
    typer.echo("same findings" if same.same else "NOT the same findings")
