"""Fingerprints as STIX patterns (STIX 2.1, 9): standard observables where there is one, else x-stillwatch-request."""

from __future__ import annotations

from stillwatch.sharing.fingerprints import Fingerprint

REQUEST = "x-stillwatch-request"
USER_AGENT = "network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'"
PATHS = {
    "client": USER_AGENT,
    "tls": f"{REQUEST}:tls_fingerprint",
    "schema": f"{REQUEST}:tool_schema_hash",
    "parameters": f"{REQUEST}:parameters_hash",
    "stack": f"{REQUEST}:stack_hash",
    "system": f"{REQUEST}:system_skeleton",
    "prompt": f"{REQUEST}:prompt_skeleton",
    "template": f"{REQUEST}:template_marks[*]",
}
"""Kind → object path, for kinds whose values are compared as strings."""


def quoted(text: str) -> str:
    """A string literal.

    >>> quoted("it's")
    "'it\\\\'s'"
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def pattern(found: Fingerprint) -> str:
    """The pattern that a fingerprint stands for; for a template, any of its marks (the extension says how many)."""
    if found.kind == "network":
        family = "ipv6-addr" if ":" in found.value else "ipv4-addr"
        return f"[{family}:value ISSUBSET {quoted(found.value)}]"
    if found.kind == "asn":
        return f"[autonomous-system:number = {found.value}]"
    path = PATHS[found.kind]
    if found.kind == "template":
        return f"[{path} IN ({', '.join(quoted(mark) for mark in found.marks)})]"
    return f"[{path} = {quoted(found.value)}]"
