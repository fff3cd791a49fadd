"""Whatever strings a log put into a case, the report stays a report and shows them for what they are."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import msgspec
import pytest
from rich.console import Console

from stillwatch.domain.verdict import Campaign, CaseResult
from stillwatch.report import print_summary, render_report, summary_json
from stillwatch.report.text import clean
from tests.report.example import accounts_table, case_of, example
from tests.report.pages import read_page

HOSTILE = {
    "script": "<script>alert(1)</script>",
    "style": "</style><img src=x onerror=alert(1)>",
    "title": "</title></svg></desc><svg onload=alert(1)>",
    "quotes": '" onmouseover="alert(1)" x=\'',
    "template": "{{ 7 * 7 }}{% raw %}{{ self }}",
    "braces": "{0}{t}%s%(x)s{}",
    "bidi": "harmless\u202etxt.exe\u2066\u2069\u200f",
    "controls": "a\x00b\x07c\x1b[31md\x9be\x7f\r\x0b",
    "hidden": "in\u200bvis\ufeffible\U000e0041\u2028",
    "stacked": "Z" + "\u0301" * 500,
    "surrogate": "half \ud83d",
    "markup": "[bold red]x[/bold red][/]",
    "long": "A" * 1_000_000,
    "long spaced": "word " * 200_000,
    "nothing": "",
}
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0041]"
)


def poisoned(value: Any, text: str, *, keep: frozenset[str] = frozenset()) -> Any:
    """Every string replaced, keys too; keys in ``keep`` hold what they held."""
    if isinstance(value, str):
        return text
    if isinstance(value, dict):
        return {k: v if k in keep else poisoned(v, text, keep=keep) for k, v in value.items()}
    return [poisoned(v, text, keep=keep) for v in value] if isinstance(value, list | tuple) else value


def hostile_case(text: str, *, verdict: str | None = None) -> CaseResult:
    """The example with the text in every string field."""
    groups = []
    for c in example().campaigns:
        shape = poisoned(msgspec.to_builtins(c), text, keep=frozenset({"verdict", "family"}))
        shape |= {name: {text: 300} for name in ("models", "channels", "capabilities")}
        groups.append(msgspec.convert(shape | ({"verdict": verdict} if verdict is not None else {}), Campaign))
    run = poisoned(example().run, text) | {"capped": {text: 3}, "versions": {text: text}}
    table = accounts_table({"campaign": 3, "clear": 2})
    if not any("\ud800" <= ch <= "\udfff" for ch in text):
        table = accounts_table({text: 3, f"lookalike:{text}": 2})
    return case_of(table, tuple(groups), run)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("verdict", ["as it is", "hostile"])
def test_the_page_keeps_its_shape(name: str, verdict: str) -> None:
    text = HOSTILE[name]
    html = render_report(hostile_case(text, verdict=None if verdict == "as it is" else f"lookalike:{text}"))
    page = read_page(html)
    allowed = {t for t, _ in read_page(render_report(example())).tags}
    assert page.balanced
    assert {t for t, _ in page.tags} <= allowed
    assert not any(k.startswith("on") for _, a in page.tags for k in a)
    assert all(a["href"].startswith("#g") for t, a in page.tags if t == "a")
    assert html.count("</style>") == 1 and html.count("<style>") == 1
    assert not INVISIBLE.search(html)
    assert len(html.encode("utf-8")) < 3_000_000


@pytest.mark.parametrize("name", HOSTILE)
def test_the_terminal_stays_calm(name: str) -> None:
    out = io.StringIO()
    print_summary(hostile_case(HOSTILE[name]), Console(file=out, width=100, color_system=None))
    shown = out.getvalue()
    assert not INVISIBLE.search(shown)
    assert len(shown) < 60_000
    if name == "markup":
        assert "[bold" in shown and "red]" in shown


@pytest.mark.parametrize("name", HOSTILE)
def test_the_summary_for_machines_is_json(name: str) -> None:
    case = hostile_case(HOSTILE[name])
    assert msgspec.json.decode(json.dumps(summary_json(case), allow_nan=False).encode()) is not None


def test_what_is_hidden_becomes_visible() -> None:
    assert clean("a\u202eb\x00c\u200b") == "a⟨U+202E⟩b⟨U+0000⟩c⟨U+200B⟩"
    assert clean("e\u0301") == "e\u0301", "one accent is a letter"
    assert "⟨+497⟩" in clean(HOSTILE["stacked"])
    assert clean("👩‍🔬 می‌خواهم") == "👩‍🔬 می‌خواهم", "joiners are part of writing"


def test_long_text_is_cut_and_says_so() -> None:
    shown = clean("A" * 1_000_000)
    assert len(shown) < 700 and shown.endswith("(999,400 more characters)")
