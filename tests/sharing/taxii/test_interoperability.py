"""TAXII 2.1 Interoperability Test Document 1.0 (OASIS, CSD01, 30 March 2022): the 39 mandatory cases of a server.

Each test is named after its section (3.1.1 to 3.15.1). The optional cases (3.13.2: filters on other properties) are not
offered.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest

from stillwatch.sharing.taxii.database import open_database
from stillwatch.sharing.taxii.serve import Tls, build, open_store
from stillwatch.sharing.taxii.settings import Member
from tests.sharing.taxii.certificates import Authority
from tests.sharing.taxii.exchange import (
    BOTH,
    HIDDEN,
    NEITHER,
    READ_ONLY,
    TAXII,
    WRITE_ONLY,
    Exchange,
    effects,
    indicator,
    of,
    on_loopback,
    settings,
    stix_id,
)

ONE, TWO = stix_id("indicator", 1), stix_id("indicator", 2)
THREE = stix_id("identity", 3)
IDENTITY = {
    "type": "identity", "spec_version": "2.1", "id": THREE, "name": "i",
    "created": "2024-01-01T00:00:00.000Z", "modified": "2024-01-01T00:00:00.000Z",
}  # fmt: skip
OBJECTS = of(BOTH) + "objects/"


@pytest.fixture
def full(server: Exchange) -> Exchange:
    server.post(BOTH, [indicator(1), indicator(2), IDENTITY])
    server.post(BOTH, [indicator(1, modified="2024-02-01T00:00:00.000Z")])
    return server


def test_3_1_1_missing_authorization(server: Exchange) -> None:
    answer = server.get("/taxii2/", who=None)
    assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized")
    assert [c.partition(" ")[0] for c in answer.headers.get_list("www-authenticate")] == ["Basic", "Bearer"]


@pytest.mark.parametrize(
    "header", ["Basic YWxpY2U6d3Jvbmc=", "Basic !!", "Basic", "Bearer alice", "Digest x", "x" * 5000]
)
def test_3_1_2_authorization_error(server: Exchange, header: str) -> None:
    answer = server.get("/taxii2/", who=None, headers={"authorization": header})
    assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized")


def test_3_1_3_certificate_based_authentication(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, alice, stranger = (authority.issue(name) for name in ("localhost", "alice", "stranger"))
    known = settings(members=(Member(name="alice", certificate=alice.fingerprint),), collections=())
    tls = Tls(server.certificate, server.key, authority.certificate)
    engine = open_database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    app = build(known, open_store(known, engine, effects()), effects())
    with on_loopback(app, tls) as url:
        for who, status in ((alice, 200), (stranger, 401), (None, 401)):
            context = ssl.create_default_context(cafile=str(authority.certificate))
            context.check_hostname = False
            if who is not None:
                context.load_cert_chain(who.certificate, who.key)
            with httpx.Client(verify=context) as client:
                assert client.get(url, headers={"accept": TAXII}).status_code == status
    engine.dispose()


def test_3_1_4_http_basic_authentication(server: Exchange) -> None:
    assert server.get("/taxii2/", headers={"authorization": "Basic YWxpY2U6c2VjcmV0LW9mLWFsaWNl"}).status_code == 200


def test_3_2_1_get_discovery_resource(server: Exchange) -> None:
    found = server.get("/taxii2/").json()
    assert {"title", "default", "api_roots"} <= found.keys()


def test_3_3_1_get_api_root_resource(server: Exchange) -> None:
    assert {"title", "versions", "max_content_length"} <= server.get("/exchange/").json().keys()


def test_3_3_2_incorrect_api_root_information(server: Exchange) -> None:
    assert server.get("/apiroot_that_does_not_exist/").status_code == 404
    assert server.get("/apiroot_that_does_not_exist/collections/").status_code == 404


def test_3_4_1_get_collections_resource(server: Exchange) -> None:
    ids = [c["id"] for c in server.get("/exchange/collections/").json()["collections"]]
    assert ids == sorted([BOTH, READ_ONLY, WRITE_ONLY, NEITHER])  # 2.1.7: ascending by id


@pytest.mark.parametrize(
    ("collection", "rights"),
    [(WRITE_ONLY, (False, True)), (BOTH, (True, True)), (READ_ONLY, (True, False)), (NEITHER, (False, False))],
    ids=["3_5_1_1_write_only", "3_5_1_2_read_write", "3_5_1_3_read_only", "3_5_1_4_no_read_no_write"],
)
def test_3_5_1_collection_resources(server: Exchange, collection: str, rights: tuple[bool, bool]) -> None:
    found = server.get(of(collection)).json()
    assert (found["id"], (found["can_read"], found["can_write"])) == (collection, rights)


def test_3_5_2_1_read_request_for_write_only_collection(server: Exchange) -> None:
    assert server.get(of(WRITE_ONLY) + "objects/").status_code == 403


def test_3_5_2_2_write_request_to_read_only_collection(server: Exchange) -> None:
    assert server.post(READ_ONLY, [indicator()]).status_code == 403


@pytest.mark.parametrize("collection", [READ_ONLY, WRITE_ONLY])
def test_3_5_2_3_delete_request_to_read_only_or_write_only_collection(server: Exchange, collection: str) -> None:
    assert server.request("DELETE", f"{of(collection)}objects/{ONE}/").status_code == 403


def test_3_5_2_4_delete_request_to_no_read_no_write_collection(server: Exchange) -> None:
    assert server.request("DELETE", f"{of(NEITHER)}objects/{ONE}/").status_code == 404


def test_3_5_3_incorrect_collection_information(server: Exchange) -> None:
    assert server.get(of("11111111-1111-4111-8111-111111111111")).status_code == 404
    assert server.get(of(HIDDEN)).status_code == 404


def test_3_6_1_get_manifest_resource(full: Exchange) -> None:
    answer = full.get(of(BOTH) + "manifest/")
    assert [e["id"] for e in answer.json()["objects"]] == [TWO, THREE, ONE]
    assert {"x-taxii-date-added-first", "x-taxii-date-added-last"} <= {k.lower() for k in answer.headers}


def test_3_7_1_get_objects(full: Exchange) -> None:
    assert full.ids(OBJECTS) == [TWO, THREE, ONE]


def test_3_7_2_no_objects(server: Exchange) -> None:
    answer = server.get(OBJECTS)
    assert (answer.status_code, answer.json()) == (200, {})


def test_3_8_1_get_an_object(full: Exchange) -> None:
    assert full.ids(f"{OBJECTS}{ONE}/") == [ONE]


def test_3_8_2_object_not_found(full: Exchange) -> None:
    assert full.get(f"{OBJECTS}{stix_id('indicator', 77)}/").status_code == 404


def test_3_9_1_get_versions_resource(full: Exchange) -> None:
    found = full.get(f"{OBJECTS}{ONE}/versions/").json()
    assert found == {"versions": ["2024-01-01T00:00:00.000Z", "2024-02-01T00:00:00.000Z"]}


def test_3_10_1_add_envelope_resource(server: Exchange) -> None:
    answer = server.post(BOTH, [indicator(1)])
    assert (answer.status_code, answer.json()["status"]) == (202, "complete")


def test_3_11_1_get_status_resource(server: Exchange) -> None:
    posted = server.post(BOTH, [indicator(1)]).json()
    assert server.get(f"/exchange/status/{posted['id']}/").json() == posted


def test_3_11_2_get_all_status_properties(server: Exchange) -> None:
    posted = server.post(BOTH, [indicator(1), indicator(2, pattern="[")]).json()
    assert posted.keys() == {
        "id", "status", "request_timestamp", "total_count", "success_count", "successes", "failure_count", "failures",
        "pending_count",
    }  # fmt: skip
    assert posted["failures"][0]["message"].startswith("pattern")


def test_3_12_1_delete(full: Exchange) -> None:
    assert full.request("DELETE", f"{OBJECTS}{ONE}/").status_code == 200
    assert full.get(f"{OBJECTS}{ONE}/").status_code == 404


def test_3_13_1_1_added_after(full: Exchange) -> None:
    added = full.get(of(BOTH) + "manifest/").json()["objects"][1]["date_added"]
    assert full.ids(f"{OBJECTS}?added_after={added}") == [ONE]


def test_3_13_1_2_limit(full: Exchange) -> None:
    assert len(full.ids(OBJECTS + "?limit=1")) == 1


def test_3_13_1_3_match_id(full: Exchange) -> None:
    assert full.ids(f"{OBJECTS}?match[id]={ONE}") == [ONE]


def test_3_13_1_4_match_type(full: Exchange) -> None:
    assert full.ids(OBJECTS + "?match[type]=identity") == [THREE]


@pytest.mark.parametrize(
    ("version", "found"),
    [("first", ["01"]), ("last", ["02"]), ("all", ["01", "02"]), ("2024-01-01T00:00:00.000Z", ["01"])],
)
def test_3_13_1_5_match_version(full: Exchange, version: str, found: list[str]) -> None:
    objects = full.get(f"{OBJECTS}?match[version]={version}&match[id]={ONE}").json()["objects"]
    assert [o["modified"][5:7] for o in objects] == found


def test_3_13_1_6_match_spec_version(full: Exchange) -> None:
    assert len(full.ids(OBJECTS + "?match[spec_version]=2.1")) == 3
    assert full.ids(OBJECTS + "?match[spec_version]=2.0") == []


def test_3_13_1_7_logical_or(full: Exchange) -> None:
    assert full.ids(OBJECTS + "?match[type]=indicator,identity") == [TWO, THREE, ONE]


def test_3_13_1_8_logical_and(full: Exchange) -> None:
    assert full.ids(f"{OBJECTS}?match[type]=indicator&match[id]={ONE}") == [ONE]
    assert full.ids(f"{OBJECTS}?match[type]=identity&match[id]={ONE}") == []


def test_3_13_1_9_logical_or_and_and(full: Exchange) -> None:
    assert full.ids(f"{OBJECTS}?match[type]=indicator,identity&match[id]={ONE},{THREE}") == [THREE, ONE]


def test_3_13_1_10_duplicate_filter_parameter(full: Exchange) -> None:
    assert full.get(OBJECTS + "?match[type]=campaign&match[type]=malware").status_code == 400


@pytest.mark.parametrize("page", ["objects/", "manifest/", f"objects/{ONE}/versions/"])
def test_3_14_1_pagination(full: Exchange, page: str) -> None:
    path, key = of(BOTH) + page, "versions" if page.endswith("versions/") else "objects"
    answer = full.get(path + "?limit=1")
    found = answer.json()[key]
    while answer.json().get("more"):
        answer = full.get(f"{path}?limit=1&added_after={answer.headers['X-TAXII-Date-Added-Last']}")
        found += answer.json()[key]
    assert found == full.get(path).json()[key]


def test_3_15_1_custom_properties(server: Exchange) -> None:
    answer = server.post(BOTH, [indicator(1)], envelope={"x_acmeinc_scoring": {"impact": "high"}})
    assert answer.status_code == 202
