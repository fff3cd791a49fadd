"""The text that tells somebody without Stillwatch what lies in a bag and how to check it by hand."""

from __future__ import annotations

_TEXT = """\
This directory is a BagIt bag (RFC 8493) with the evidence of one Stillwatch case.

data/dossier.html           for people: facts, inferences, error rates, alternatives, limits, impact
data/case/                  the findings; accounts appear under pseudonyms
data/records/records.ndjson the records that the findings rest on, one JSON line each, minimised
data/records/leaves.sha256  SHA-256 of a zero byte and each record: the leaves of the Merkle tree (RFC 6962)
data/impact.json            what was taken, as intervals [at least, at most]
data/provenance.json        raw files and their hashes, settings, versions, what was left out and why
data/detector.tar           the detector's own source: every query, statistic and rule that led to the findings
seal/statement.dsse.json    in-toto statement over every file above, signed (DSSE, Ed25519)
seal/timestamp.tsr          RFC 3161 timestamp of that file, where one was asked for
seal/custody.ndjson         who held the bag since; each line is signed and holds the hash of the one before
{population}
With Stillwatch:    stillwatch evidence verify BAG --key SIGNER.pub
Without:            sha256sum -c manifest-sha256.txt tagmanifest-sha256.txt
                    (this finds accidents; only the signature finds intent)

The bag names nobody. What leads back from pseudonyms to values is a separate, encrypted file.
"""


def readme(*, everybody: bool) -> str:
    """The content of ``data/README.txt``."""
    line = (
        "data/population/            the whole log, minimised, for: stillwatch evidence replay BAG\n"
        if everybody
        else ""
    )
    return _TEXT.format(population=line)
