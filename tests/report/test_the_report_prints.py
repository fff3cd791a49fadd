"""On paper: a page of summary, each campaign on a page of its own, nothing folded away or cut."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stillwatch.report import render_report
from tests.report.example import example

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def test_the_style_sheet_knows_paper() -> None:
    html = render_report(example())
    printed = html[html.index("@media print") :]
    assert "@page" in html
    assert re.search(r"section\.campaign[^{]*\{ break-before: page", printed)
    assert re.search(r"figure, tr[^{]*\{ break-inside: avoid", printed)
    assert "details::details-content" in printed


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_a_browser_prints_it(tmp_path: Path) -> None:
    page, paper = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(render_report(example()), encoding="utf-8")
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-pdf-header-footer",
        f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={paper}", str(page),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert paper.exists(), done.stderr[-500:]
    pages = len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes()))
    assert 8 <= pages <= 20
