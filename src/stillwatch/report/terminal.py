"""The summary of a case on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stillwatch.domain.verdict import Campaign, CaseResult
from stillwatch.report import words
from stillwatch.report.census import census
from stillwatch.report.numbers import SMALLEST, count
from stillwatch.report.strength import strength
from stillwatch.report.summary import breaches_of
from stillwatch.report.text import one_line
from stillwatch.report.view import strings

MOST_ROWS = 40


def print_summary(case: CaseResult, console: Console) -> None:
    """One row per campaign, then what else there is to know, a line each."""
    campaigns = [c for c in case.campaigns if c.verdict == "campaign"]
    seen = census(case)
    found = (
        f"{len(campaigns):,} campaign{'' if len(campaigns) == 1 else 's'} found" if campaigns else "no campaign found"
    )
    if quiet := sum(c.quiet for c in campaigns):
        found += f" ({quiet:,} quiet now)"
    console.print(
        Text.assemble((found, "bold"), f" among {count(seen.accounts)} accounts and {count(seen.exchanges)} exchanges")
    )
    if campaigns:
        console.print(_table(campaigns, narrow=console.width < 96))
    if len(campaigns) > MOST_ROWS:
        console.print(Text(f"… and {len(campaigns) - MOST_ROWS:,} more in campaigns.json", style="dim"))
    for name, line in _lines(case):
        console.print(Text.assemble((f"{name}: ", "bold"), line))


def _table(campaigns: list[Campaign], *, narrow: bool) -> Table:
    table = Table(
        box=None, pad_edge=False, padding=(0, 1 if narrow else 2, 0, 0), header_style="dim", collapse_padding=True
    )
    table.add_column("campaign", no_wrap=True)
    table.add_column("accounts", justify="right", no_wrap=True)
    table.add_column("exchanges", justify="right", no_wrap=True)
    table.add_column("since", no_wrap=True)
    table.add_column("tactics")
    table.add_column("evidence", no_wrap=True)
    table.add_column("q", justify="right", no_wrap=True)
    for c in campaigns[:MOST_ROWS]:
        table.add_row(
            Text(one_line(c.id, 24), style="bold"),
            count(c.accounts),
            count(c.harvest_exchanges),
            Text(one_line(c.first_seen, 60)[:10] + ("\nquiet" if c.quiet else "")),
            Text("\n".join(one_line(t.id, 24) for t in c.tactics[:8]) or "none known"),
            _evidence(c, narrow=narrow),
            _plain(c.q_value),
        )
    return table


def _evidence(group: Campaign, *, narrow: bool) -> Text:
    """Supporting families with p, strongest first; the family that formed the group is marked."""
    out: list[str] = []
    for s in sorted((strength(f) for f in group.families), key=lambda s: (-s.strength, s.family)):
        name = "infra" if narrow and s.family == "infrastructure" else s.family
        if s.state == "formed":
            out.append(f"{name} drew" if narrow else f"{name} (drew it)")
        elif s.supports:
            out.append(f"{name} {_plain(s.p_value or 0.0)}")
    return Text("\n".join(out) or "none strong")


def _plain(p: float) -> str:
    """A probability as a terminal in any encoding shows it and a script can read it."""
    return "<1e-15" if p < SMALLEST else f"{p:.1g}" if p < 0.001 else f"{p:.2g}"


def _lines(case: CaseResult) -> list[tuple[str, str]]:
    """What is not a campaign, and what the log did not carry."""
    seen = census(case)
    groups = {kind: [c for c in case.campaigns if words.kind_of(c.verdict) == kind] for kind in words.KINDS}
    out: list[tuple[str, str]] = []
    if groups["watch"]:
        out.append(("watch", _size(groups["watch"])))
    licensed, breaches = seen.accounts_of("licensed"), breaches_of(case)
    if licensed or breaches:
        out.append(
            ("licensed", f"{count(licensed)} accounts" + (f"; beyond the licence: {len(breaches)}" if breaches else ""))
        )
        out += [("breach", one_line(text, 200)) for text in breaches[:8]]
    alike = [s for s in seen.shares if s.kind == "lookalike"]
    if alike:
        named = (f"{words.lookalike(s.disposition.partition(':')[2]).lower()} {count(s.accounts)}" for s in alike)
        out.append(("look-alikes (accounts)", one_line(", ".join(named), 300)))
    if silent := strings(case.run.get("unavailable_families")):
        out.append(("evidence not in the log", one_line(", ".join(silent), 300)))
    if missing := strings(case.run.get("unavailable")):
        out.append(("measurements without data", one_line(", ".join(missing), 300)))
    if unknown := strings(case.run.get("unknown_tactics")):
        out.append(("unknown, as the log holds no text", one_line(", ".join(unknown), 300)))
    if case.quarantine is not None and case.quarantine.num_rows:
        out.append(("rows in quarantine", count(case.quarantine.num_rows)))
    return out


def _size(groups: list[Campaign]) -> str:
    plural = "" if len(groups) == 1 else "s"
    return f"{len(groups):,} group{plural}, {sum(c.accounts for c in groups):,} accounts"
