"""STIX patterns (STIX 2.1, 9) read by our own bounded parser: syntax in full, meaning as far as a log can tell.

A library's parser is not put in front of strangers: it recurses as deep as it is told to, and takes milliseconds each.
"""

from __future__ import annotations

from typing import NamedTuple

from stillwatch.sharing.inbound.limits import DEFAULT, Limits
from stillwatch.sharing.inbound.tokens import PatternSyntaxError, Token, literal, tokens

_ORDER = ("<", "<=", ">", ">=")
_EQUAL = ("=", "==", "!=", "<>")
_TEXTUAL = ("LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET")
_ORDERABLE = ("time", "hex", "binary", "text", "float", "int")


class Comparison(NamedTuple):
    """One test of one property."""

    path: str
    """Type and steps, string steps without quotation marks: ``ipv4-addr:value``, ``a:b.c[*]``."""
    operator: str
    """``=``, ``!=``, ``<`` …, ``IN``, ``LIKE``, ``MATCHES``, ``ISSUBSET``, ``ISSUPERSET``, ``EXISTS``."""
    values: tuple[str | int | float | bool, ...]
    negated: bool = False


class Both(NamedTuple):
    """All of several."""

    parts: tuple[Expression, ...]


class Either(NamedTuple):
    """Any of several."""

    parts: tuple[Expression, ...]


Expression = Comparison | Both | Either


class Pattern(NamedTuple):
    """A pattern that was read."""

    observation: Expression | None
    """What one observation must show; None where it takes several, or a window of time, to match."""
    comparisons: int


def parse(text: str, limits: Limits = DEFAULT) -> Pattern:
    """Read a pattern. :class:`PatternSyntaxError` for bad syntax and for what is over the limits.

    >>> parse("[ipv4-addr:value ISSUBSET '198.51.100.0/24']").observation
    Comparison(path='ipv4-addr:value', operator='ISSUBSET', values=('198.51.100.0/24',), negated=False)
    """
    if len(text) > limits.pattern:
        raise PatternSyntaxError(f"longer than {limits.pattern:,} characters")
    reader = _Reader(tokens(text, limits.tokens), limits.nesting)
    found = reader.observations()
    if reader.at < len(reader.tokens):
        raise reader.wrong("the end")
    return Pattern(found, reader.comparisons)


class _Reader:
    """Recursive descent, at most ``nesting`` parentheses deep."""

    def __init__(self, found: list[Token], nesting: int) -> None:
        self.tokens, self.at, self.comparisons = found, 0, 0
        self._left = nesting

    # -- observations: which brackets, in what order, within what time -------------------------------------------------

    def observations(self) -> Expression | None:
        first = self._observation()
        single = True
        while self._take("keyword", "AND", "OR", "FOLLOWEDBY"):
            self._observation()
            single = False
        return first if single else None

    def _observation(self) -> Expression | None:
        if self._take("sign", "["):
            found: Expression | None = self._comparisons()
            self._need("sign", "]")
        else:
            self._need("sign", "(")
            self._deeper()
            found = self.observations()
            self._left += 1
            self._need("sign", ")")
        seen: set[str] = set()
        while qualifier := self._take("keyword", "START", "WITHIN", "REPEATS"):
            if qualifier.text in seen:
                raise PatternSyntaxError(f"a second {qualifier.text} at character {qualifier.at}")
            seen.add(qualifier.text)
            self._qualified(qualifier.text)
        return None if seen else found

    def _qualified(self, by: str) -> None:
        if by == "START":
            self._need("time")
            self._need("keyword", "STOP")
            self._need("time")
        elif by == "WITHIN":
            if not self._take("float"):
                self._need("int")
            self._need("keyword", "SECONDS")
        else:
            self._need("int")
            self._need("keyword", "TIMES")

    # -- comparisons: what one observation shows -----------------------------------------------------------------------

    def _comparisons(self) -> Expression:
        parts = [self._conjunction()]
        while self._take("keyword", "OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _conjunction(self) -> Expression:
        parts = [self._test()]
        while self._take("keyword", "AND"):
            parts.append(self._test())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _test(self) -> Expression:
        if self._take("sign", "("):
            self._deeper()
            found = self._comparisons()
            self._left += 1
            self._need("sign", ")")
            return found
        self.comparisons += 1
        if self._take("keyword", "EXISTS"):
            return Comparison(self._path(), "EXISTS", ())
        path = self._path()
        negated = self._take("keyword", "NOT") is not None
        if sign := self._take("sign", *_EQUAL, *_ORDER):
            operator = {"==": "=", "<>": "!="}.get(sign.text, sign.text)
            return Comparison(path, operator, (self._value(truth=sign.text in _EQUAL),), negated)
        if self._take("keyword", "IN"):
            return Comparison(path, "IN", self._set(), negated)
        if word := self._take("keyword", *_TEXTUAL):
            return Comparison(path, word.text, (literal(self._need("text")),), negated)
        raise self.wrong("a comparison")

    def _set(self) -> tuple[str | int | float | bool, ...]:
        self._need("sign", "(")
        out: list[str | int | float | bool] = []
        if not self._take("sign", ")"):
            out.append(self._value(truth=True))
            while self._take("sign", ","):
                out.append(self._value(truth=True))
            self._need("sign", ")")
        return tuple(out)

    def _value(self, *, truth: bool) -> str | int | float | bool:
        token = next((t for t in map(self._take, _ORDERABLE) if t is not None), None)
        if token is None:
            if truth and (found := self._take("truth")):
                return found.text == "true"
            raise self.wrong("a value")
        if token.kind == "text":
            return literal(token)
        if token.kind == "int":
            return int(token.text) if len(token.text) <= 20 else float(token.text)
        return float(token.text) if token.kind == "float" else token.text

    def _path(self) -> str:
        out = [self._need("name").text]
        self._need("sign", ":")
        out.append(":" + self._step())
        while True:
            if self._take("sign", "."):
                out.append("." + self._step())
            elif self._take("sign", "["):
                index = self._take("int") or self._need("sign", "*")
                out.append(f"[{index.text}]")
                self._need("sign", "]")
            else:
                return "".join(out)

    def _step(self) -> str:
        if found := self._take("text"):
            return literal(found)
        name = self._need("name")
        if "-" in name.text:
            raise PatternSyntaxError(f"a name with a hyphen needs quotation marks at character {name.at}")
        return name.text

    # -- tokens --------------------------------------------------------------------------------------------------------

    def _take(self, kind: str, *texts: str) -> Token | None:
        """The next token where it is of this kind and, if given, one of these texts."""
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            if token.kind == kind and (not texts or token.text in texts):
                self.at += 1
                return token
        return None

    def _need(self, kind: str, *texts: str) -> Token:
        found = self._take(kind, *texts)
        if found is None:
            raise self.wrong(" or ".join(texts) or f"a {kind}")
        return found

    def _deeper(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise PatternSyntaxError("parentheses nested too deeply")

    def wrong(self, expected: str) -> PatternSyntaxError:
        where = f"at character {self.tokens[self.at].at}" if self.at < len(self.tokens) else "at the end"
        return PatternSyntaxError(f"{expected} is missing {where}")
