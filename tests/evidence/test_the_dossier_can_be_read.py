"""The dossier: facts apart from inferences, error rates in words, hostile text harmless, a page that prints."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from stillwatch.cli import app
from stillwatch.evidence import layout
from stillwatch.evidence.dossier import DossierInput, chance, render_dossier
from stillwatch.evidence.impact import TOKENS, ImpactRange, Range
from stillwatch.evidence.seal import SealedBag
from stillwatch.evidence.text import visible
from tests.evidence.conftest import KEY
from tests.report.example import example
from tests.report.pages import read_page

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def _dossier(bag: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["evidence", "dossier", str(bag), *map(str, arguments)])


def _public(key: Ed25519PrivateKey, place: Path) -> Path:
    place.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return place


@pytest.fixture
def public_key(tmp_path: Path) -> Path:
    return _public(KEY, tmp_path / "signer.pub")


@pytest.fixture
def page(stamped: SealedBag) -> str:
    return (stamped.bag / "data/dossier.html").read_text("utf-8")


def test_facts_and_inferences_are_kept_apart_and_labelled(page: str) -> None:
    facts = page.split('<div class="fact">')[1:]
    inferences = page.split('<div class="inference">')[1:]
    assert len(facts) == 2
    assert len(inferences) == 3
    counted = read_page(facts[0].split("</div>")[0]).words
    assert "counted in the logs" in counted
    assert not any(word in counted for word in ("distillation", "chance", "tactic"))


def test_statistics_stand_in_words_with_their_error_rates(page: str) -> None:
    words = read_page(page).words
    assert "By chance" in words
    assert "less than 1 in a million" in words
    assert "no more than 1 % are expected to be false" in words
    assert "is not the probability that the group is innocent" in words


def test_alternatives_limits_and_impact_are_there(page: str) -> None:
    words = read_page(page).words
    assert "rejected" in words
    for heading in (
        "Honest explanations that were weighed",
        "Limits",
        "Impact, at least and at most",
        "Where it comes",
    ):
        assert heading in words
    assert re.search(r"Answered exchanges taken [\d,]+ – [\d,]+", words)
    assert "not known" in words


def test_the_page_runs_nothing_links_nowhere_and_is_well_formed(page: str) -> None:
    parsed = read_page(page)
    assert parsed.balanced
    names = {tag for tag, _ in parsed.tags}
    assert not names & {"script", "a", "img", "iframe", "form", "object", "link"}
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")


def test_hostile_names_of_models_do_no_harm() -> None:
    made = example().campaigns[0]
    hostile = {"<script>alert(1)</script>": 5, "a\u202eb\x00" + "x" * 5_000: 3}
    group = msgspec.structs.replace(made, models=hostile)
    taken = ImpactRange(
        campaign_id=group.id, exchanges=Range(1, 2), tokens=dict.fromkeys(TOKENS),
        by_tactic=(), by_capability=(), list_price=None, currency=None, models_without_price=(), detected_at=None,
        before_detection=None, market_cost=None, market_currency=None, market_source=None,
    )  # fmt: skip
    facts = {
        "minimised": [], "checked": "", "context": "", "replay_when_sealed": None, "files": [], "revealed": [],
        "sealed_with": {"stillwatch": "0", "detector_sha256": ""},
    }  # fmt: skip
    run = {"exchanges": 8, "accounts": 2, "unavailable": []}
    text = render_dossier(DossierInput((group,), (taken,), run, facts, None))
    assert "<script>" not in text
    assert "\u202e" not in text
    assert "a⟨U+202E⟩b⟨U+0000⟩xxx" in text
    assert len(text) < 40_000
    assert "nothing vouches for it" in text


def test_words_for_chances() -> None:
    assert [chance(p) for p in (0.9, 0.5, 0.001, 1e-7)] == [
        "more often than not",
        "about 1 in 2",
        "about 1 in 1,000",
        "less than 1 in a million",
    ]
    assert visible("\u200b") == "⟨U+200B⟩"


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_a_browser_prints_it(stamped: SealedBag, public_key: Path, tmp_path: Path) -> None:
    paper = tmp_path / "dossier.pdf"
    done = _dossier(stamped.bag, "--key", public_key, "--out", paper)
    assert done.exit_code == 0, (done.output, done.exception)
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) <= 8
    assert "exists already" in str(_dossier(stamped.bag, "--key", public_key, "--out", paper).exception)


def test_only_the_page_that_was_sealed_is_taken_out(stamped: SealedBag, public_key: Path, tmp_path: Path) -> None:
    page = tmp_path / "dossier.html"
    assert _dossier(stamped.bag, "--key", public_key, "--out", page).exit_code == 0
    assert page.read_bytes() == (stamped.bag / layout.DOSSIER).read_bytes()
    changed = shutil.copytree(stamped.bag, tmp_path / "bag")
    (changed / layout.DOSSIER).write_bytes(page.read_bytes().replace(b"rejected", b"accepted"))
    says = str(_dossier(changed, "--key", public_key, "--out", tmp_path / "other.html").exception)
    assert "not the page that was sealed" in says
    other = _public(Ed25519PrivateKey.generate(), tmp_path / "other.pub")
    says = str(_dossier(stamped.bag, "--key", other, "--out", tmp_path / "other.html").exception)
    assert "signed with another key" in says
    assert not (tmp_path / "other.html").exists()


def test_without_a_browser_it_says_what_to_do(stamped: SealedBag, public_key: Path, tmp_path: Path) -> None:
    for browser, says in ((tmp_path / "none", "no browser was found"), ("true", "did not print")):
        done = _dossier(stamped.bag, "--key", public_key, "--out", tmp_path / "x.pdf", "--browser", browser)
        assert says in str(done.exception)
        assert not (tmp_path / "x.pdf").exists()
    assert "neither in .html" in str(_dossier(stamped.bag, "--key", public_key, "--out", tmp_path / "x.doc").exception)
