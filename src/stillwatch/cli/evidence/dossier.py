"""`stillwatch evidence dossier`: the sealed dossier, as the page that it is or printed to PDF."""

from __future__ import annotations

from pathlib import Path

import typer

from stillwatch.cli.evidence.common import BAG, PUBLIC, extra
from stillwatch.domain.errors import InputError


def dossier(
    bag: Path = BAG,
    key: Path = PUBLIC,
    out: Path = typer.Option(..., "--out", help="File to write: .html or .pdf."),
    browser: Path | None = typer.Option(
        None, "--browser", help="The browser that prints, one based on Chromium; one on the path when absent."
    ),
) -> None:
    """Take the dossier out of a bag, for lawyers and policy people: checked against the seal, as HTML or PDF."""
    with extra():
        from stillwatch.evidence.folder import Directory
        from stillwatch.evidence.keys import verifying_key
        from stillwatch.evidence.paper import find_browser, printed, sealed_page
    if out.suffix not in (".html", ".pdf"):
        raise InputError("--out ends neither in .html nor in .pdf", where=str(out))
    if out.exists():
        raise InputError("the file exists already", where=str(out), remedy="name a new file")
    page = sealed_page(Directory(bag), verifying_key(key))
    try:
        out.write_bytes(page if out.suffix == ".html" else printed(page, find_browser(browser)))
    except OSError as exc:
        raise InputError("cannot be written", where=str(out)) from exc
    typer.echo(f"dossier: {out}")
