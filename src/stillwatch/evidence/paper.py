"""The dossier on paper: the sealed page, printed to PDF by a browser of this machine.

A page with tables, footers and page numbers is what browsers are good at; the PDF is a print, not evidence: what was
sealed is the page.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stillwatch.domain.errors import InputError
from stillwatch.evidence import layout
from stillwatch.evidence.canonical import sha256
from stillwatch.evidence.folder import Folder, read
from stillwatch.evidence.statement import files_of, open_envelope

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge")
WAIT_S = 120
_QUIET = (
    "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-quic", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
"""The page runs nothing and links nowhere; the browser itself shall not ask for anything either."""


def sealed_page(bag: Folder, key: Ed25519PublicKey) -> bytes:
    """The dossier of a bag. :class:`InputError` unless it is the one that the statement lists, signed with ``key``."""
    try:
        page, envelope = read(bag, layout.DOSSIER), read(bag, layout.STATEMENT)
    except OSError as exc:
        raise InputError("the bag is not whole", remedy="see what is broken: evidence verify") from exc
    opened = open_envelope(envelope, key)
    if opened is None or opened.problem:
        what = opened.problem if opened else "cannot be read"
        raise InputError(f"the statement {what}", where=layout.STATEMENT, remedy="see what is broken: evidence verify")
    if files_of(opened.statement).get(layout.DOSSIER, ("", 0))[0] != sha256(page):
        raise InputError(
            "is not the page that was sealed", where=layout.DOSSIER, remedy="see what is broken: evidence verify"
        )
    return page


def find_browser(given: Path | None) -> Path:
    """The browser to print with: as given, or the first of ``BROWSERS`` on the path."""
    found = shutil.which(str(given)) if given else next((p for b in BROWSERS if (p := shutil.which(b))), None)
    if found is None:
        raise InputError(
            "no browser was found to print with",
            where=str(given or ""),
            remedy="name one based on Chromium: --browser FILE, or open the page in any browser and print it",
        )
    return Path(found)


def printed(page: bytes, browser: Path) -> bytes:
    """The page as PDF. Only the page itself is put before the browser, in an empty directory of its own."""
    with tempfile.TemporaryDirectory(prefix="stillwatch-") as place:
        folder = Path(place)
        (folder / "dossier.html").write_bytes(page)
        words = [str(browser), *_QUIET, f"--user-data-dir={folder / 'profile'}"]
        if os.geteuid() == 0:  # the browser's own sandbox refuses to be root
            words.append("--no-sandbox")
        words += [f"--print-to-pdf={folder / 'dossier.pdf'}", (folder / "dossier.html").as_uri()]
        try:
            subprocess.run(words, capture_output=True, timeout=WAIT_S, check=False)
            made = (folder / "dossier.pdf").read_bytes()
        except (OSError, subprocess.TimeoutExpired) as exc:
            raise InputError("the browser did not print", where=str(browser), remedy="try another: --browser") from exc
    if not made.startswith(b"%PDF-"):
        raise InputError("the browser did not print a PDF", where=str(browser), remedy="try another: --browser")
    return made
