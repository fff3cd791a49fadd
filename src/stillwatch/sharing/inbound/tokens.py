"""STIX patterns as tokens: one pass, no backtracking over more than a token."""

from __future__ import annotations

import re
from typing import NamedTuple

KEYWORDS = frozenset(
    {
        "AND", "OR", "NOT", "FOLLOWEDBY", "LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET", "EXISTS", "IN", "START", "STOP",
        "SECONDS", "WITHIN", "REPEATS", "TIMES",
    }
)  # fmt: skip
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<time>t'[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])
                T(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?Z')
      | (?P<hex>h'(?:[0-9A-Fa-f]{2})*')
      | (?P<binary>b'(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?')
      | (?P<text>'(?:[^'\\]|\\['\\])*')
      | (?P<float>[+-]?[0-9]*\.[0-9]+)
      | (?P<int>[+-]?(?:0|[1-9][0-9]*)(?![0-9]))
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_-]*)?)
      | (?P<sign><=|>=|<>|!=|==|[=<>:.,()\[\]*])""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """``kind``: time, hex, binary, text, float, int, keyword, truth, name, sign."""

    kind: str
    text: str
    at: int
    """Place of its first character."""


class PatternSyntaxError(ValueError):
    """What is wrong with a pattern, and where; never what it says."""


def tokens(pattern: str, most: int) -> list[Token]:
    """All tokens. :class:`PatternSyntaxError` for what is none, or more than ``most``."""
    out: list[Token] = []
    at = 0
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None:
            raise PatternSyntaxError(f"nothing that a pattern may hold at character {at}")
        kind, text = str(found.lastgroup), found.group()
        if kind == "word":
            kind = "keyword" if text in KEYWORDS else "truth" if text in ("true", "false") else "name"
        if kind != "space":
            out.append(Token(kind, text, at))
            if len(out) > most:
                raise PatternSyntaxError(f"more than {most:,} tokens")
        at = found.end()
    return out


def literal(token: Token) -> str:
    """The text of a string literal."""
    return re.sub(r"\\(['\\])", r"\1", token.text[1:-1])
