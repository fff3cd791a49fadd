"""Every call that taxii2-client 2.3.0 has, against the server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from requests.exceptions import HTTPError
from taxii2client.common import TokenAuth
from taxii2client.exceptions import AccessError
from taxii2client.v21 import ApiRoot, Collection, Server, Status, as_pages

from tests.sharing.taxii.exchange import BOTH, WRITE_ONLY, exchange, indicator, on_loopback, stix_id

ONE, TWO = stix_id("indicator", 1), stix_id("indicator", 2)
USER = {"user": "alice", "password": "secret-of-alice"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with exchange(tmp_path_factory.mktemp("client")) as made, on_loopback(made.app) as address:
        for version in ("2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z"):
            made.post(BOTH, [indicator(1, modified=version)])
        made.post(BOTH, [indicator(2)])
        yield address


@pytest.fixture
def both(url: str) -> Iterator[Collection]:
    with Collection(f"{url.removesuffix('taxii2/')}exchange/collections/{BOTH}/", **USER) as found:
        yield found


def test_server_and_roots(url: str) -> None:
    with Server(url, **USER) as server:
        assert (server.title, server.contact, server.description) == ("Test exchange", "test@example.org", None)
        assert server.default is server.api_roots[0]
        assert server.custom_properties == {}
        root = server.default
        assert root.title == "Test exchange"
        assert root.versions == ["application/taxii+json;version=2.1"]
        assert root.max_content_length == 32 << 20
        assert root.description is None
        root.refresh()
        root.refresh_information()
        root.refresh_collections()
        assert len(root.collections) == 4
        server.refresh()
        root.close()


def test_collection_properties(url: str) -> None:
    with ApiRoot(f"{url.removesuffix('taxii2/')}exchange/", **USER) as root:
        found = {c.id: c for c in root.collections}
        both = found[BOTH]
        assert (both.title, both.alias, both.can_read, both.can_write) == ("Both", "both", True, True)
        assert "application/stix+json;version=2.1" in both.media_types
        assert both.description is None
        both.refresh()
        with pytest.raises(AccessError):
            found[WRITE_ONLY].get_objects()


def test_get_objects_with_every_filter(both: Collection) -> None:
    assert [o["id"] for o in both.get_objects()["objects"]] == [ONE, TWO]
    assert [o["id"] for o in both.get_objects(type=["indicator", "malware"], id=ONE)["objects"]] == [ONE]
    assert len(both.get_objects(version="all", limit=2)["objects"]) == 2
    assert len(both.get_objects(version=["first", "last"], spec_version="2.1")["objects"]) == 3
    day = datetime(2024, 1, 2, tzinfo=UTC)
    assert [o["modified"] for o in both.get_objects(version=day)["objects"]] == ["2024-01-02T00:00:00.000Z"]
    assert both.get_objects(added_after=datetime(2030, 1, 1, tzinfo=UTC)) == {}


def test_get_object_manifest_and_versions(both: Collection) -> None:
    assert [o["id"] for o in both.get_object(ONE)["objects"]] == [ONE]
    assert [e["version"][:10] for e in both.get_manifest(id=ONE, version="all")["objects"]] == [
        "2024-01-01", "2024-01-02"
    ]  # fmt: skip
    assert both.object_versions(ONE)["versions"] == ["2024-01-01T00:00:00.000Z", "2024-01-02T00:00:00.000Z"]
    with pytest.raises(HTTPError, match="404"):
        both.get_object(stix_id("indicator", 99))


@pytest.mark.parametrize("call", ["get_objects", "get_manifest"])
def test_as_pages(both: Collection, call: str) -> None:
    pages = list(as_pages(getattr(both, call), per_request=1, version="all", id=[ONE, TWO]))
    assert [o["id"] for page in pages for o in page["objects"]] == [ONE, ONE, TWO]


@pytest.mark.parametrize("form", [dict, str, bytes])
def test_add_objects_status_and_delete(url: str, both: Collection, form: type) -> None:
    made = indicator(50)
    text = json.dumps({"objects": [made]})
    envelope = {dict: {"objects": [made]}, str: text, bytes: text.encode()}[form]
    status = both.add_objects(envelope)
    assert bool(status)
    assert (status.status, status.total_count, status.success_count, status.failure_count) == ("complete", 1, 1, 0)
    assert status.successes[0]["id"] == made["id"]
    root = f"{url.removesuffix('taxii2/')}exchange/"
    with ApiRoot(root, **USER) as found:
        again = found.get_status(status.id)
        again.refresh()
        again.wait_until_final()
        assert again.success_count == 1
    with Status(f"{root}status/{status.id}/", **USER) as direct:
        assert direct.id == status.id
    assert both.add_objects(envelope, wait_for_completion=False).failure_count == 0
    both.delete_object(made["id"], version="first")
    with pytest.raises(HTTPError, match="404"):
        both.get_object(made["id"])


def test_tokens(url: str) -> None:
    with Server(url, auth=TokenAuth("alice.secret-of-alice")) as server:
        assert server.title == "Test exchange"
    with Server(url, auth=TokenAuth("alice.wrong")) as server, pytest.raises(HTTPError, match="401"):
        server.refresh()
