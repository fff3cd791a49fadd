"""One file that says what was found, how sure, what was set aside and what was missing."""

from __future__ import annotations

import time

import msgspec
import pytest

from stillwatch.domain.verdict import ACCOUNT_VERDICTS, Charts
from stillwatch.report import render_report
from tests.report.example import accounts_table, case_of, example, group
from tests.report.pages import read_page

NO_CHARTS = Charts(
    bucket_us=0, bucket_start_us=0, volume_campaign=(), volume_other=(), raster_us=(), raster_account=(),
    graph_nodes=(), graph_edges=(),
)  # fmt: skip


@pytest.fixture(scope="module")
def html() -> str:
    return render_report(example())


def test_it_is_one_file_that_loads_and_runs_nothing(html: str) -> None:
    page = read_page(html)
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    names = {t for t, _ in page.tags}
    assert not names & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "base",
        "img",
        "image",
        "use",
        "foreignobject",
    }
    addresses = [v for _, a in page.tags for k, v in a.items() if k in ("href", "src", "action", "xlink:href", "data")]
    assert addresses and all(v.startswith("#g") for v in addresses)
    assert "http://" not in html and "https://" not in html and "@import" not in html
    assert html.count("url(") == html.count("url(#hatch)")


def test_its_markup_is_well_formed_and_ids_are_unique(html: str) -> None:
    page = read_page(html)
    assert page.balanced
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for t, a in page.tags if t == "a"} <= set(ids)


def test_every_chart_has_words_for_those_who_cannot_see_it(html: str) -> None:
    charts = [a for t, a in read_page(html).tags if t == "svg" and a.get("aria-hidden") != "true"]
    assert len(charts) == 1 + 3 * 4 + 1
    assert all(a["role"] == "img" and len(a["aria-label"]) > 20 for a in charts)


def test_the_summary_names_what_was_found_and_what_was_not(html: str) -> None:
    words = read_page(html).words
    for said in (
        "3 campaigns found",
        "The traffic of 2,863 accounts belongs together",
        "of 24,615 seen",
        "421,820",
        "3 Mar 2026",
        "continuity",
        "devices, phone numbers, reasoning ref",
        "3 rows , listed in quarantine.parquet".replace(" ,", ","),
        "1 group to watch",
        "2 licences in force",
        "lic-002 is outgrown: 1,204,331 exchanges against 1,000,000 allowed",
        "aggregator or reseller",
    ):
        assert said in words, said


def test_a_campaign_says_why_and_what_else_it_could_have_been(html: str) -> None:
    words = read_page(html).words
    for said in (
        "The group was drawn by content.",
        "independently of what drew it",
        "formed the group, so it does not judge it",
        "not in the log",
        "a heuristic, not a test",
        "One customer's own fleet",
        "rejected",
        "T-LOADBAL · AML.T0021 · AML.T0008.005",
        "12,995 USD",
        "Country, language and nationality are not inputs",
        "1,204,331 exchanges against 1,000,000 allowed",
        "97% of the requests were also sent by other customers",
    ):
        assert said in words, said


def test_account_ids_stay_out_of_the_report(html: str) -> None:
    assert "acc-00" not in html


def test_the_same_case_gives_the_same_report(html: str) -> None:
    assert render_report(example()) == html


def test_an_order_of_keys_does_not_show(html: str) -> None:
    case = example()
    case.campaigns = tuple(
        msgspec.structs.replace(c, models=dict(reversed(c.models.items())), channels=dict(reversed(c.channels.items())))
        for c in case.campaigns
    )
    assert render_report(case) == html


def test_nothing_found_is_said_plainly() -> None:
    words = read_page(render_report(case_of(accounts_table({"clear": 3})))).words
    assert "No campaign found" in words and "every measurement had its data" in words


def test_an_empty_log_has_a_report() -> None:
    page = read_page(render_report(case_of(ACCOUNT_VERDICTS.empty_table())))
    assert page.balanced and "The log holds no account." in page.words


def test_a_campaign_without_series_has_no_empty_charts() -> None:
    bare = group(
        1, "campaign", 20, 400, charts=NO_CHARTS, tactics=(), templates=(), alternatives=(), models={}, channels={},
        capabilities={}, families=(), first_seen="unknown", last_seen="unknown",
    )  # fmt: skip
    page = read_page(render_report(case_of(accounts_table({"campaign": 20}), (bare,))))
    assert page.balanced and sum(t == "svg" for t, _ in page.tags) == 1


def test_tokens_that_were_not_logged_are_not_called_zero() -> None:
    case = example()
    case.run["columns"] = ["ts", "account_id"]
    case.campaigns = (group(1, "campaign", 20, 400),)
    assert read_page(render_report(case)).words.count("not in the log") >= 3


def test_sixty_groups_and_24000_accounts_take_less_than_a_second_and_3_mb() -> None:
    groups = tuple(group(i, "campaign", 24_000, 500_000) for i in range(1, 61))
    case = case_of(accounts_table({"campaign": 24_000, "clear": 6_000}), groups, example().run)
    render_report(example())
    began = time.process_time()
    html = render_report(case)
    took = time.process_time() - began
    assert len(html.encode()) < 3_000_000
    assert took < 2.0, f"{took:.2f} s (1 s on a quiet machine)"
    assert read_page(html).balanced
