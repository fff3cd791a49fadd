"""What lies where in a bag."""

from __future__ import annotations

FORMAT = "stillwatch-evidence/1"

BAGIT = "bagit.txt"
INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAGS = "tagmanifest-sha256.txt"

STATEMENT = "seal/statement.dsse.json"
TIMESTAMP = "seal/timestamp.tsr"
CUSTODY = "seal/custody.ndjson"

CASE = "data/case"
PROVENANCE = "data/provenance.json"
DETECTOR = "data/detector.tar"
IMPACT = "data/impact.json"
DOSSIER = "data/dossier.html"
RECORDS = "data/records/records.ndjson"
LEAVES = "data/records/leaves.sha256"
POPULATION_EXCHANGES = "data/population/exchanges.parquet"
POPULATION_ACCOUNTS = "data/population/accounts.parquet"
POPULATION_ORDER = "data/population/order.parquet"
POPULATION_LICENCES = "data/population/licences.json"
EXPECTED = "data/population/expected"
STIX = "data/stix"
DECISIONS = "data/decisions"
