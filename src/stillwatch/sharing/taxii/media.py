"""Names on the wire, and content negotiation (TAXII 2.1, 1.6.8 and 3.1)."""

from __future__ import annotations

from email.message import Message

from stillwatch.sharing.taxii.errors import RefusedError

TAXII = "application/taxii+json;version=2.1"
STIX = "application/stix+json;version=2.1"
HEEDS_TLP = "x_stillwatch_tlp"
"""Custom property of an API root (7.1): whether objects are shown to those only whom their TLP label admits."""
MINE = "x_stillwatch_mine"
"""Custom property of a collection: whether nobody but the asking member's own organisation writes to it."""
_RANGES = ("application/taxii+json", "application/*", "*/*")


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    """Type in lower case, and parameters."""
    message = Message()
    message["content-type"] = text
    found = message.get_params(failobj=[])
    return message.get_content_type() if "/" in text else "", {k.lower(): v for k, v in found[1:]}


def check_accept(header: str | None) -> None:
    """406 unless some range of ``Accept`` takes TAXII 2.1; 3.1 demands that every request names one."""
    for text in (header or "").split(","):
        kind, parameters = _parsed(text.strip())
        if kind in _RANGES and parameters.get("version", "2.1") == "2.1" and _wanted(parameters.get("q", "1")):
            return
    raise RefusedError(406, f"Answers are {TAXII}; the Accept header must name it.")


def check_content_type(header: str | None) -> None:
    """415 unless the body is TAXII 2.1."""
    kind, parameters = _parsed((header or "").strip())
    if kind != "application/taxii+json" or parameters.get("version", "2.1") != "2.1":
        raise RefusedError(415, f"The body must be {TAXII}.")


def _wanted(quality: str) -> bool:
    try:
        return float(quality) > 0
    except ValueError:
        return False
