"""From the steps' SQL to Spark's. The steps are written once, in a small part of DuckDB's language.

What is not in :data:`SUBSET` is refused, not passed on: a function of the same name may round, order or count otherwise
(``avg`` of integers, ``list`` with an ORDER BY, ``hash``, ``epoch``). Widening the subset is a line here and one in
the test that runs every idiom on both engines.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from stillwatch.engine.protocol import StepError

SUBSET: tuple[type[exp.Expr], ...] = (
    # queries
    exp.Select, exp.Subquery, exp.Union, exp.CTE, exp.With, exp.From, exp.Join, exp.Where, exp.Group, exp.Having,
    exp.Order, exp.Ordered, exp.Distinct, exp.Table, exp.TableAlias, exp.Alias, exp.Column, exp.Identifier, exp.Star,
    # values
    exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.IntDiv, exp.Mod,
    exp.Case, exp.If, exp.Coalesce, exp.Cast, exp.DataType,
    # conditions
    exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In, exp.Is, exp.Between,
    # over many rows
    exp.Count, exp.Min, exp.Max, exp.Sum, exp.Window, exp.RowNumber, exp.Lag,
)  # fmt: skip
_CASTS = {exp.DataType.Type.BIGINT, exp.DataType.Type.INT, exp.DataType.Type.SMALLINT}
_HASH = exp.DataType.Type.UBIGINT
_UNSIGNED = {_HASH, exp.DataType.Type.UINT, exp.DataType.Type.USMALLINT, exp.DataType.Type.UTINYINT}
_ARITHMETIC = (exp.Neg, exp.Add, exp.Sub, exp.Mul, exp.IntDiv, exp.Mod, exp.Sum, exp.Cast)


def to_spark(query: str, relations: Mapping[str, Mapping[str, str]], views: Mapping[str, str]) -> str:
    """One query in Spark's SQL, given DuckDB's type of each column of each relation, and what Spark calls each.

    Raises :class:`StepError` for what the engines do not do alike.
    """
    try:
        tree = sqlglot.parse_one(query, read="duckdb")
        _within_subset(tree, query)
        schema: dict[str, object] = dict(relations)
        tree = annotate_types(qualify(tree, schema=schema, dialect="duckdb"), schema=schema, dialect="duckdb")
        _lift_literals(tree, query)
        inner = {cte.alias for cte in tree.find_all(exp.CTE)}
        for table in tree.find_all(exp.Table):
            if table.name not in inner:
                table.set("this", exp.to_identifier(views[table.name]))
        return tree.transform(_in_sparks_words).sql(dialect="spark", identify=True)
    except SqlglotError as exc:
        raise StepError(f"cannot be said in Spark's SQL: {exc}\nSQL: {query}") from exc


def _refuse(what: str, query: str) -> StepError:
    return StepError(f"outside the SQL that both engines share: {what}\nSQL: {query}")


def _within_subset(tree: exp.Expr, query: str) -> None:
    for node in tree.walk():
        if not isinstance(node, SUBSET) or (isinstance(node, exp.Func) and type(node) not in SUBSET):
            raise _refuse(node.sql("duckdb"), query)
        if isinstance(node, exp.Cast) and (node.to.this not in _CASTS or isinstance(node, exp.TryCast)):
            raise _refuse(node.sql("duckdb"), query)
        if isinstance(node, exp.Union) and node.args.get("distinct"):
            raise _refuse("UNION without ALL", query)
        if isinstance(node, exp.Case) and node.this is not None:
            raise _refuse("CASE with an operand", query)


def _kind(node: exp.Expr) -> object:
    """An expression's unsigned type; None where it has another."""
    found = None if node.type is None else node.type.this
    return found if found in _UNSIGNED else None


def _peers(node: exp.Expr) -> list[exp.Expr]:
    """Expressions that must be of one type, because they are compared or stand for one another."""
    if isinstance(node, exp.Binary) and not isinstance(node, _ARITHMETIC):
        return [node.this, node.expression]
    if isinstance(node, exp.In):
        inner = node.args.get("query")
        return [node.this, *node.expressions, *(inner.unnest().selects if inner is not None else [])]
    if isinstance(node, exp.Between):
        return [node.this, node.args["low"], node.args["high"]]
    if isinstance(node, exp.Coalesce):
        return [node.this, *node.expressions]
    if isinstance(node, exp.Case):
        return [n for n in (*(i.args["true"] for i in node.args["ifs"]), node.args.get("default")) if n is not None]
    return []


def _lift_literals(tree: exp.Expr, query: str) -> None:
    """Numbers that 64-bit hashes are compared with move as the hashes do; nothing else is done with hashes."""
    for node in list(tree.walk()):
        if isinstance(node, _ARITHMETIC) and any(map(_kind, node.iter_expressions())):
            raise _refuse(f"arithmetic on an unsigned column: {node.sql('duckdb')}", query)
        if isinstance(node, exp.Union):
            sides = zip(node.left.selects, node.right.selects, strict=True)
            if any(_kind(a) != _kind(b) for a, b in sides):
                raise _refuse("signed and unsigned in one column of a UNION", query)
        peers = _peers(node)
        kinds = {kind for kind in map(_kind, peers) if kind is not None}
        for other in peers if kinds else []:
            if isinstance(other, exp.Literal) and other.is_int:
                if kinds == {_HASH}:
                    other.replace(sqlglot.parse_one(f"CAST('{int(other.this) - (1 << 63)}' AS BIGINT)"))
            elif len(kinds) > 1 or not (_kind(other) or isinstance(other, exp.Null)):
                raise _refuse(f"types that Spark does not compare alike: {node.sql('duckdb')}", query)


def _in_sparks_words(node: exp.Expr) -> exp.Expr:
    """Spark numbers the rows of a window in 32 bits, where DuckDB has 64."""
    if isinstance(node, exp.Window) and isinstance(node.this, exp.RowNumber):
        return exp.cast(node, "bigint")
    return node
