"""TAXII 2.1, OASIS Standard of 10 June 2021: a test for what its text demands of a server; each names its section."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.sharing.taxii.exchange import (
    BOTH,
    HIDDEN,
    NEITHER,
    READ_ONLY,
    START_US,
    TAXII,
    WRITE_ONLY,
    Exchange,
    indicator,
    of,
    stix_id,
)

ONE = stix_id("indicator", 1)
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
PAGES = ("manifest/", "objects/", f"objects/{ONE}/", f"objects/{ONE}/versions/")
EVERY = (
    "/taxii2/",
    "/exchange/",
    "/exchange/collections/",
    of(BOTH),
    *(of(BOTH) + page for page in PAGES),
)


@pytest.fixture
def full(server: Exchange) -> Exchange:
    """ONE in three versions (added in another order than they were made), and two other objects."""
    server.post(BOTH, [indicator(1, modified="2024-01-02T00:00:00.000Z"), indicator(2)])
    server.post(BOTH, [indicator(1, modified="2024-01-01T00:00:00.000Z")])
    campaign = {k: v for k, v in indicator(3).items() if not k.startswith(("pattern", "valid"))}
    server.post(BOTH, [campaign | {"type": "campaign", "id": stix_id("campaign", 3), "name": "c"}])
    server.post(BOTH, [indicator(1, modified="2024-01-03T00:00:00.000Z")])
    return server


def versions(server: Exchange, query: str, page: str = "objects/") -> list[str]:
    return [o["modified"][:10] for o in server.get(f"{of(BOTH)}{page}{query}").json().get("objects", [])]


# -- 1.6.8 and 3.1: content negotiation -------------------------------------------------------------------------------
@pytest.mark.parametrize("path", EVERY)
def test_3_1_every_answer_has_the_media_type_with_its_version(full: Exchange, path: str) -> None:
    assert full.get(path).headers["content-type"] == TAXII
    assert full.get(path, who=None).headers["content-type"] == TAXII


@pytest.mark.parametrize("accept", [TAXII, "application/taxii+json", "application/taxii+json; version=2.1", "*/*"])
def test_3_1_media_types_of_the_endpoint_are_never_406(full: Exchange, accept: str) -> None:
    for path in EVERY:
        assert full.get(path, headers={"accept": accept}).status_code == 200


def test_3_1_a_request_without_a_taxii_media_range_is_406(full: Exchange) -> None:
    for accept in ("application/json", "text/html", "application/taxii+json;version=2.0", f"{TAXII};q=0", ""):
        for path in EVERY:
            assert full.get(path, headers={"accept": accept}).status_code == 406


@pytest.mark.parametrize("kind", [TAXII, "application/taxii+json", 'application/taxii+json; version="2.1"'])
def test_3_1_content_types_of_the_endpoint_are_never_415(server: Exchange, kind: str) -> None:
    assert server.post(BOTH, [indicator()], headers={"content-type": kind}).status_code == 202


@pytest.mark.parametrize("kind", ["application/json", "application/stix+json;version=2.1", "text/plain", ""])
def test_3_1_other_content_types_are_415(server: Exchange, kind: str) -> None:
    assert server.post(BOTH, [indicator()], headers={"content-type": kind}).status_code == 415
    assert server.ids(of(BOTH) + "objects/") == []


def test_3_1_paths_end_in_a_slash(full: Exchange) -> None:
    for path in EVERY:
        assert full.get(path.rstrip("/")).status_code == 404


# -- 3.2: headers -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", PAGES)
def test_3_2_pages_say_when_their_first_and_last_objects_were_added(full: Exchange, page: str) -> None:
    answer = full.get(f"{of(BOTH)}{page}")
    first, last = (answer.headers[f"X-TAXII-Date-Added-{which}"] for which in ("First", "Last"))
    assert STAMP.fullmatch(first)
    assert STAMP.fullmatch(last)
    if page == "manifest/":
        dates = [entry["date_added"] for entry in answer.json()["objects"]]
        assert (first, last) == (dates[0], dates[-1])


def test_3_2_an_empty_page_has_both_headers_too(server: Exchange) -> None:
    for query in ("", "?added_after=2030-01-01T00:00:00.000000Z"):
        answer = server.get(f"{of(BOTH)}objects/{query}")
        assert answer.json() == {}
        assert STAMP.fullmatch(answer.headers["X-TAXII-Date-Added-First"])
        assert STAMP.fullmatch(answer.headers["X-TAXII-Date-Added-Last"])


# -- 3.3: sorting -----------------------------------------------------------------------------------------------------
def test_3_3_objects_come_in_the_order_of_their_addition(full: Exchange) -> None:
    for page in ("objects/", "manifest/"):
        found = full.ids(f"{of(BOTH)}{page}?match[version]=all")
        assert found == [ONE, stix_id("indicator", 2), ONE, stix_id("campaign", 3), ONE]


def test_3_3_collections_come_in_one_order(server: Exchange) -> None:
    once, again = (server.get("/exchange/collections/").json() for _ in range(2))
    assert once == again
    ids = [c["id"] for c in once["collections"]]
    assert ids == sorted(ids)


# -- 3.4: filtering ---------------------------------------------------------------------------------------------------
def test_3_4_added_after_excludes_that_very_time(full: Exchange) -> None:
    dates = [e["date_added"] for e in full.get(of(BOTH) + "manifest/?match[version]=all").json()["objects"]]
    for n, date in enumerate(dates):
        assert len(full.ids(f"{of(BOTH)}objects/?match[version]=all&added_after={date}")) == len(dates) - n - 1


def test_3_4_without_added_after_the_oldest_come_first(full: Exchange) -> None:
    assert full.ids(of(BOTH) + "objects/?limit=1") == [stix_id("indicator", 2)]
    assert full.ids(of(BOTH) + "objects/?limit=1&match[version]=all") == [ONE]


def test_3_4_limit_is_kept_and_more_is_said(full: Exchange) -> None:
    for limit in range(1, 7):
        found = full.get(f"{of(BOTH)}objects/?match[version]=all&limit={limit}").json()
        assert len(found["objects"]) == min(limit, 5)
        assert found.get("more", False) == (limit < 5)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=1.5", "limit=ten", "limit=", "limit=99999999999999999999",
        "added_after=yesterday", "added_after=2016-11-03", "added_after=2016-13-03T12:30:59.000Z",
        "added_after=2016-11-03T12:30:59%2B01:00", "added_after=", "next=", "next=abc", "next=-1",
        "match[id]=indicator", "match[id]=", "match[type]=", "match[type]=in%20dicator",
        "match[spec_version]=new", "match[version]=", "match[version]=newest", "match[version]=all,first",
        "match[version]=first,first",
        "match[version]=2024-01-02T00:00:00.000Z,2024-01-02T00:00:00Z",
        "match[type]=indicator&match[type]=malware",
        "added_after=2016-11-03T12:30:59.000Z&added_after=2016-11-03T12:30:59.000Z",
        "%ff=1", "limit", "&".join(f"x{n}=1" for n in range(100)),
    ],
)  # fmt: skip
def test_3_4_malformed_parameters_are_400(full: Exchange, query: str) -> None:
    for page in ("objects/", "manifest/"):
        assert full.get(f"{of(BOTH)}{page}?{query}").status_code == 400


def test_3_4_match_fields_are_joined_by_and_and_values_by_or(full: Exchange) -> None:
    both = f"{ONE},{stix_id('campaign', 3)}"
    assert full.ids(f"{of(BOTH)}objects/?match[id]={both}") == [stix_id("campaign", 3), ONE]
    assert full.ids(f"{of(BOTH)}objects/?match[id]={both}&match[type]=indicator") == [ONE]
    assert full.ids(f"{of(BOTH)}objects/?match[type]=indicator,campaign,malware&limit=9")[1] == stix_id("campaign", 3)


def test_3_4_fields_that_are_not_of_the_text_may_be_ignored(full: Exchange) -> None:
    assert full.get(of(BOTH) + "objects/?match[colour]=red").status_code == 200


# -- 3.4.1: match fields ----------------------------------------------------------------------------------------------
def test_3_4_1_without_version_only_the_latest_is_given(full: Exchange) -> None:
    assert versions(full, f"?match[id]={ONE}") == ["2024-01-03"]
    assert versions(full, f"?match[id]={ONE}&match[version]=last") == ["2024-01-03"]


@pytest.mark.parametrize(
    ("wanted", "days"),
    [
        ("first", [1]), ("all", [2, 1, 3]), ("first,last", [1, 3]), ("2024-01-02T00:00:00Z", [2]),
        ("2024-01-02T00:00:00.000Z,first", [2, 1]), ("2024-01-02T00:00:00.001Z", []),
    ],
)  # fmt: skip
def test_3_4_1_versions_that_are_named(full: Exchange, wanted: str, days: list[int]) -> None:
    for page in ("objects/",):
        assert versions(full, f"?match[id]={ONE}&match[version]={wanted}", page) == [f"2024-01-0{d}" for d in days]


def test_3_4_1_a_type_of_stix_is_never_an_error(server: Exchange) -> None:
    for kind in ("malware-analysis", "x509-certificate", "language-content", "extension-definition"):
        assert server.get(f"{of(BOTH)}objects/?match[type]={kind}").status_code == 200


def test_3_4_1_without_spec_version_only_the_latest_is_given(server: Exchange) -> None:
    old = {k: v for k, v in indicator(1, modified="2025-01-01T00:00:00.000Z").items() if k != "spec_version"}
    server.post(BOTH, [old, indicator(1), {**old, "id": stix_id("indicator", 2)}])

    def found(query: str) -> list[tuple[str, str]]:
        objects = server.get(f"{of(BOTH)}objects/{query}").json().get("objects", [])
        return [(o["id"], o.get("spec_version", "2.0")) for o in objects]

    assert found("") == [(ONE, "2.1"), (stix_id("indicator", 2), "2.0")]
    assert found("?match[spec_version]=2.0") == [(ONE, "2.0"), (stix_id("indicator", 2), "2.0")]
    assert found("?match[spec_version]=2.1") == [(ONE, "2.1")]
    assert found("?match[spec_version]=2.0,2.1&match[version]=all")[:2] == [(ONE, "2.0"), (ONE, "2.1")]


def test_3_4_1_an_object_without_modified_is_matched_by_created(server: Exchange) -> None:
    marking = {
        "type": "marking-definition", "spec_version": "2.1", "id": stix_id("marking-definition", 1),
        "created": "2024-05-06T07:08:09.123456Z", "definition_type": "statement", "definition": {"statement": "s"},
    }  # fmt: skip
    server.post(BOTH, [marking])
    assert server.ids(of(BOTH) + "objects/?match[version]=2024-05-06T07:08:09.123456Z") == [marking["id"]]


# -- 3.5: pagination --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("page", ["objects/", "manifest/"])
def test_3_5_pages_by_next_are_the_whole(full: Exchange, page: str) -> None:
    query, found = "?match[version]=all&limit=2", []
    answer = full.get(f"{of(BOTH)}{page}{query}").json()
    found += answer["objects"]
    while answer.get("more"):
        answer = full.get(f"{of(BOTH)}{page}{query}&next={answer['next']}").json()
        found += answer["objects"]
    assert found == full.get(f"{of(BOTH)}{page}?match[version]=all").json()["objects"]
    assert len(found) == 5


def test_3_5_pages_by_the_last_headers_date_are_the_whole(full: Exchange) -> None:
    found: list[Any] = []
    query = "?match[version]=all&limit=1"
    answer = full.get(f"{of(BOTH)}objects/{query}")
    found += answer.json()["objects"]
    while answer.json().get("more"):
        last = answer.headers["X-TAXII-Date-Added-Last"]
        answer = full.get(f"{of(BOTH)}objects/{query}&added_after={last}")
        found += answer.json()["objects"]
    assert found == full.get(of(BOTH) + "objects/?match[version]=all").json()["objects"]


def test_3_5_the_servers_own_limit_is_said_too(full: Exchange) -> None:
    many = [indicator() for _ in range(1500)]
    assert full.post(BOTH, many).json()["success_count"] == 1500
    first = full.get(of(BOTH) + "objects/?limit=5000").json()
    assert len(first["objects"]) == 1000
    assert first["more"] is True
    assert len(full.get(f"{of(BOTH)}objects/?next={first['next']}").json()["objects"]) == 503


# -- 3.6: errors ------------------------------------------------------------------------------------------------------
def test_3_6_1_errors_have_a_title_and_the_status_they_came_with(full: Exchange) -> None:
    answers = [
        full.get("/taxii2/", who=None), full.get("/exchange/nothing/"), full.get(of(HIDDEN)),
        full.get(of(BOTH) + "objects/?limit=0"), full.get("/taxii2/", headers={"accept": "text/html"}),
        full.get(of(WRITE_ONLY) + "objects/"), full.request("PUT", of(BOTH)),
        full.request("POST", of(BOTH) + "objects/", content=b"{", headers={"content-type": TAXII}),
        full.request("POST", of(BOTH) + "objects/", content=b"{", headers={"content-type": "text/plain"}),
    ]  # fmt: skip
    assert [a.status_code for a in answers] == [401, 404, 404, 400, 406, 403, 405, 422, 415]
    for answer in answers:
        found = answer.json()
        assert found["title"]
        assert found["http_status"] == str(answer.status_code)
        assert answer.headers["content-type"] == TAXII


# -- 4: server information --------------------------------------------------------------------------------------------
def test_4_1_1_the_default_root_is_one_of_the_roots_and_relative(server: Exchange) -> None:
    found = server.get("/taxii2/").json()
    assert found["title"] == "Test exchange"
    assert found["default"] in found["api_roots"]
    assert all(root.startswith("/") and not root.startswith("//") and "?" not in root for root in found["api_roots"])


def test_4_2_1_the_root_says_its_version_and_length(server: Exchange) -> None:
    found = server.get("/exchange/").json()
    assert TAXII in found["versions"]
    assert found["max_content_length"] > 0


def test_4_3_a_status_can_be_asked_for_by_who_posted_and_by_nobody_else(server: Exchange) -> None:
    posted = server.post(BOTH, [indicator()]).json()
    path = f"/exchange/status/{posted['id']}/"
    assert server.get(path).json() == posted
    assert server.get(path, who="bob").status_code == 404
    server.clock.now += 24 * 3600 * 1_000_000
    server.post(BOTH, [indicator()])
    assert server.get(path).json() == posted
    server.clock.now += 25 * 3600 * 1_000_000
    server.post(BOTH, [indicator()])
    assert server.get(path).status_code == 404


@pytest.mark.parametrize("name", ["nothing", "2d086da7-4bdc-4f91-900e-d77486753710", "%27%20OR%201=1"])
def test_4_3_an_unknown_status_is_404(server: Exchange, name: str) -> None:
    assert server.get(f"/exchange/status/{name}/").status_code == 404


def test_4_3_1_the_counts_add_up_and_lists_are_not_empty(server: Exchange) -> None:
    found = server.post(BOTH, [indicator(1), {"type": "bundle"}, indicator(1), "text"]).json()
    assert found["status"] == "complete"
    assert (found["total_count"], found["success_count"], found["failure_count"], found["pending_count"]) == (
        4,
        2,
        2,
        0,
    )
    assert [s["id"] for s in found["successes"]] == [ONE, ONE]
    assert all(f["id"] and f["version"] and f["message"] for f in found["failures"])
    assert "failures" not in server.post(BOTH, [indicator()]).json()
    assert "successes" not in server.post(BOTH, [{}]).json()


# -- 5: collections ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", [p for p in EVERY if "collections" in p])
def test_5_who_fails_authentication_gets_401(full: Exchange, path: str) -> None:
    answer = full.get(path, who=None)
    assert answer.status_code == 401
    assert "www-authenticate" in answer.headers


def test_5_1_1_without_collections_the_answer_is_empty(server: Exchange) -> None:
    assert len(server.get("/exchange/collections/").json()["collections"]) == 4
    assert [c["id"] for c in server.get("/exchange/collections/", who="carol").json()["collections"]] == [NEITHER]


def test_5_2_1_a_collection_says_what_the_client_may_do(server: Exchange) -> None:
    rights = {
        c["id"]: (c["can_read"], c["can_write"]) for c in server.get("/exchange/collections/").json()["collections"]
    }
    assert rights == {
        BOTH: (True, True), READ_ONLY: (True, False), WRITE_ONLY: (False, True), NEITHER: (False, False)
    }  # fmt: skip
    one = server.get(of(BOTH)).json()
    assert one["title"] == "Both"
    assert "application/stix+json;version=2.1" in one["media_types"]


def test_5_2_1_an_alias_leads_to_the_collection(server: Exchange) -> None:
    assert server.get(of("both")).json()["id"] == BOTH


@pytest.mark.parametrize("page", PAGES)
def test_5_3_to_5_8_reading_without_leave_is_403_or_404(full: Exchange, page: str) -> None:
    assert full.get(of(WRITE_ONLY) + page).status_code == 403
    assert full.get(of(HIDDEN) + page).status_code == 404


def test_5_3_the_manifest_filters_on_the_objects(full: Exchange) -> None:
    found = full.get(of(BOTH) + "manifest/?match[type]=campaign").json()["objects"]
    assert [set(entry) for entry in found] == [{"id", "date_added", "version", "media_type"}]
    assert found[0]["id"] == stix_id("campaign", 3)
    assert STAMP.fullmatch(found[0]["date_added"])
    assert found[0]["media_type"] in full.get(of(BOTH)).json()["media_types"]


def test_5_3_1_an_empty_manifest_is_an_empty_object(server: Exchange) -> None:
    assert server.get(of(BOTH) + "manifest/").json() == {}


def test_5_4_objects_come_back_as_they_were_sent(server: Exchange) -> None:
    sent = indicator(1, name="Zürich €", description="a <b> c", x_custom={"deep": [1, 2.5, None, True]}, confidence=85)
    server.post(BOTH, [sent])
    assert server.get(of(BOTH) + "objects/").json()["objects"] == [sent]


def test_5_5_writing_without_leave_is_403_or_404(server: Exchange) -> None:
    assert server.post(READ_ONLY, [indicator()]).status_code == 403
    assert server.post(NEITHER, [indicator()]).status_code == 403
    assert server.post(HIDDEN, [indicator()]).status_code == 404


def test_5_5_an_exact_duplicate_is_no_error_and_no_second_object(server: Exchange) -> None:
    for _ in range(2):
        assert server.post(BOTH, [indicator(1)]).json()["failure_count"] == 0
    assert server.ids(of(BOTH) + "objects/?match[version]=all") == [ONE]


def test_5_5_another_object_of_the_same_id_and_version_fails(server: Exchange) -> None:
    server.post(BOTH, [indicator(1)])
    found = server.post(BOTH, [indicator(1, name="other")]).json()
    assert found["failure_count"] == 1
    assert "name" not in server.get(of(BOTH) + "objects/").json()["objects"][0]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b'{"objects": []}', b'{"objects": {}}', b"\xff"])
def test_5_5_a_body_that_is_no_envelope_is_422(server: Exchange, body: bytes) -> None:
    headers = {"content-type": TAXII}
    assert server.request("POST", of(BOTH) + "objects/", content=body, headers=headers).status_code == 422


def test_5_6_one_object_by_id(full: Exchange) -> None:
    assert versions(full, "", f"objects/{ONE}/") == ["2024-01-03"]
    assert versions(full, "?match[version]=all", f"objects/{ONE}/") == ["2024-01-02", "2024-01-01", "2024-01-03"]


def test_5_6_an_object_that_is_not_there_is_404(full: Exchange) -> None:
    for name in (stix_id("indicator", 99), "indicator", "indicator--x"):
        assert full.get(f"{of(BOTH)}objects/{name}/").status_code == 404
        assert full.get(f"{of(BOTH)}objects/{name}/versions/").status_code == 404


def test_5_6_an_object_of_which_nothing_new_was_added_is_an_empty_envelope(full: Exchange) -> None:
    answer = full.get(f"{of(BOTH)}objects/{ONE}/?added_after=2030-01-01T00:00:00.000Z")
    assert (answer.status_code, answer.json()) == (200, {})


def test_5_7_what_was_deleted_is_gone_everywhere(full: Exchange) -> None:
    answer = full.request("DELETE", f"{of(BOTH)}objects/{ONE}/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert full.get(f"{of(BOTH)}objects/{ONE}/").status_code == 404
    assert ONE not in full.ids(of(BOTH) + "objects/?match[version]=all")
    assert ONE not in full.ids(of(BOTH) + "manifest/?match[version]=all")
    assert full.request("DELETE", f"{of(BOTH)}objects/{ONE}/").status_code == 404


def test_5_7_one_version_can_be_deleted(full: Exchange) -> None:
    path = f"{of(BOTH)}objects/{ONE}/"
    assert full.request("DELETE", path + "?match[version]=2024-01-03T00:00:00.000Z").status_code == 200
    assert full.get(path + "?match[version]=2024-01-03T00:00:00.000Z").status_code == 404
    assert versions(full, "", f"objects/{ONE}/") == ["2024-01-02"]
    assert full.request("DELETE", path + "?match[version]=first").status_code == 200
    assert full.get(path + "versions/").json()["versions"] == ["2024-01-02T00:00:00.000Z"]


@pytest.mark.parametrize(
    ("collection", "status"), [(HIDDEN, 404), (NEITHER, 404), (READ_ONLY, 403), (WRITE_ONLY, 403), (BOTH, 200)]
)
def test_5_7_the_table_of_mandatory_answers(full: Exchange, collection: str, status: int) -> None:
    assert full.request("DELETE", f"{of(collection)}objects/{ONE}/").status_code == status


def test_5_7_a_deletion_with_an_unknown_filter_deletes_nothing(full: Exchange) -> None:
    assert full.request("DELETE", f"{of(BOTH)}objects/{ONE}/?match[verson]=first").status_code == 400
    assert full.get(f"{of(BOTH)}objects/{ONE}/").status_code == 200


def test_5_8_the_versions_of_an_object(full: Exchange) -> None:
    found = full.get(f"{of(BOTH)}objects/{ONE}/versions/").json()
    assert found == {"versions": [f"2024-01-0{day}T00:00:00.000Z" for day in (2, 1, 3)]}
    first = full.get(f"{of(BOTH)}objects/{ONE}/versions/?limit=2")
    assert first.json()["more"] is True
    last = first.headers["X-TAXII-Date-Added-Last"]
    rest = full.get(f"{of(BOTH)}objects/{ONE}/versions/?added_after={last}").json()
    assert first.json()["versions"] + rest["versions"] == found["versions"]


# -- 7, 8 and appendix B ----------------------------------------------------------------------------------------------
def test_7_1_1_custom_properties_of_an_envelope_are_ignored(server: Exchange) -> None:
    answer = server.post(BOTH, [indicator()], envelope={"x_example_com_note": {"a": 1}})
    assert (answer.status_code, answer.json()["success_count"]) == (202, 1)


def test_8_2_1_discovery_is_at_the_root_and_needs_no_user_agent(server: Exchange) -> None:
    assert server.get("/taxii2/", headers={"user-agent": ""}).status_code == 200


def test_appendix_b_a_made_up_next_shows_nothing_more(full: Exchange) -> None:
    path = of(BOTH) + "objects/?match[type]=campaign&added_after="
    everything = full.get(of(BOTH) + "objects/?match[type]=campaign").json()
    assert full.get(of(BOTH) + "objects/?match[type]=campaign&next=1").json() == everything
    late = "2030-01-01T00:00:00.000000Z"
    assert full.get(f"{path}{late}&next={START_US}").json() == {}


def test_appendix_b_errors_do_not_tell_the_hidden_from_the_absent(full: Exchange) -> None:
    absent = full.get(of("00000000-0000-4000-8000-000000000000"))
    hidden = full.get(of(HIDDEN))
    assert (absent.status_code, json.loads(absent.content)) == (hidden.status_code, json.loads(hidden.content))
