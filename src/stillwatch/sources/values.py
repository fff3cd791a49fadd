"""From whatever a log holds to the contract's types: whole columns where possible, value by value where not."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.domain.log import NON_NEGATIVE, TIMESTAMP
from stillwatch.domain.sketch import HEAD_BYTES, MAGIC

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
MOST_BYTES = 16 * 1024 * 1024


class Bad(NamedTuple):
    """One value that could not be read: row within the batch, column, and why (never the value)."""

    row: int
    column: str
    error: str


def moment(value: Any) -> int:
    """µs since the epoch: a date or time (UTC where it states no zone), ISO 8601 text, or a number of a unit that its
    size tells (seconds, ms, µs, ns)."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, str):
        given = value.strip()
        try:
            value = float(given) if "." in given else int(given)
        except ValueError:
            value = datetime.fromisoformat(given)
    if isinstance(value, datetime):
        return round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1e6)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise ValueError("not a time")
    amount: Any = value
    size = abs(amount)
    for limit, factor in ((1e11, 1_000_000), (1e14, 1_000), (1e17, 1)):
        if size < limit:
            return round(float(amount) * factor) if isinstance(amount, float) else int(amount * factor)
    if size < 1e20:
        return int(amount // 1000)
    raise ValueError("not a time")


def integer(value: Any) -> int:
    """A whole number, also as text or a float that is whole."""
    if isinstance(value, str):
        value = float(value) if any(c in value for c in ".eE") else int(value)
    whole = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if not whole or value != int(value) or abs(value) >= 2**63:
        raise ValueError("not a whole number")
    return int(value)


def number(value: Any) -> float:
    """A finite number, also as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("not a number")
    out = float(value)
    if not math.isfinite(out):
        raise ValueError("not a finite number")
    return out


_TRUTHS = {"true": True, "t": True, "1": True, 1: True, "false": False, "f": False, "0": False, 0: False}


def truth(value: Any) -> bool:
    """True or false, as text (``t`` and ``f`` too, as PostgreSQL writes them) or as 0 and 1."""
    if isinstance(value, bool):
        return value
    key = value.strip().lower() if isinstance(value, str) else value
    if isinstance(key, str | int | float) and key in _TRUTHS:
        return _TRUTHS[key]
    raise ValueError("not true or false")


def text(value: Any) -> str:
    """UTF-8 text; a whole number has no decimals, so that an id is the same however it was stored."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        value.encode("utf-8")
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, bool | int | float | Decimal | UUID):
        return str(value).lower() if isinstance(value, bool) else str(value)
    raise ValueError("not text")


def _binary(value: Any) -> bytes:
    if isinstance(value, str):
        return bytes.fromhex(value)
    if isinstance(value, bytes):
        return value
    raise ValueError("not bytes")


def _converter(kind: pa.DataType) -> tuple[Callable[[Any], Any], str]:
    if pa.types.is_timestamp(kind):
        return moment, "not a time"
    if pa.types.is_integer(kind):
        return integer, "not a whole number"
    if pa.types.is_floating(kind):
        return number, "not a finite number"
    if pa.types.is_boolean(kind):
        return truth, "not true or false"
    if pa.types.is_binary(kind):
        return _binary, "not bytes (hex in text formats)"
    return text, "not valid UTF-8 text"


def _one_by_one(values: list[Any], field: pa.Field) -> tuple[pa.Array, list[Bad]]:
    convert, what = _converter(field.type)
    text_like = pa.types.is_string(field.type)
    out: list[Any] = []
    bad: list[Bad] = []
    low, high = (-(2**31), 2**31) if field.type == pa.int32() else (-(2**63), 2**63)
    for row, value in enumerate(values):
        if value is None or (not text_like and isinstance(value, str | bytes) and not value.strip()):
            out.append(None)
            continue
        try:
            if not text_like and isinstance(value, bytes) and not pa.types.is_binary(field.type):
                value = value.decode("utf-8")
            converted = convert(value)
            if pa.types.is_integer(field.type) and not low <= converted < high:
                raise ValueError("out of range")
            if pa.types.is_timestamp(field.type) and not -(2**62) < converted < 2**62:
                raise ValueError("out of range")
            out.append(converted)
        except (ValueError, OverflowError, TypeError, ArithmeticError):
            out.append(None)
            bad.append(Bad(row, field.name, what))
    if pa.types.is_timestamp(field.type):
        return pa.array(out, pa.int64()).cast(TIMESTAMP), bad
    return pa.array(out, field.type), bad


def _quickly(array: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """The column by Arrow's own casts, or None where only single values can tell."""
    have = array.type
    if pa.types.is_null(have):
        return pa.nulls(len(array), kind)
    is_text = pa.types.is_string(have) or pa.types.is_large_string(have)
    try:
        if pa.types.is_timestamp(kind):
            if pa.types.is_timestamp(have):
                plain = array.cast(pa.timestamp(have.unit)) if have.tz is None else array
                return plain.cast(pa.timestamp("us", tz=have.tz), safe=False).cast(TIMESTAMP)
            return array.cast(TIMESTAMP) if is_text and _iso_with_zone(array) else None
        if pa.types.is_string(kind):
            if not is_text and not pa.types.is_integer(have):
                return None
            out = array.cast(pa.string())
            out.validate(full=True)
            return out
        if is_text or pa.types.is_boolean(have) != pa.types.is_boolean(kind):
            return None
        if pa.types.is_binary(have) != pa.types.is_binary(kind):
            return None
        return array.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return None


def _iso_with_zone(array: pa.Array) -> bool:
    """Whether all texts are plain ISO 8601 times to the microsecond with a zone, which Arrow reads as Python does."""
    form = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})$"
    return bool(pc.all(pc.match_substring_regex(array, form), min_count=0).as_py())


def cast_column(array: pa.Array, field: pa.Field) -> tuple[pa.Array, list[Bad]]:
    """One column in the contract's type, and the values that could not be read (null in the result).

    An empty text is unknown, as it is in CSV.
    """
    while pa.types.is_dictionary(array.type) or isinstance(array, pa.ExtensionArray):
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)
        elif array.type.extension_name == "arrow.uuid":
            break  # its values know how they are written
        else:
            array = array.storage
    out = _quickly(array, field.type)
    bad: list[Bad] = []
    if out is None:
        out, bad = _slowly(array, field)
    if pa.types.is_string(field.type) or pa.types.is_binary(field.type):
        empty = pc.fill_null(pc.equal(pc.binary_length(out), 0), False)
        if empty.true_count:
            out = pc.if_else(empty, pa.scalar(None, out.type), out)
    return out, bad


def _slowly(array: pa.Array, field: pa.Field) -> tuple[pa.Array, list[Bad]]:
    have = array.type
    if pa.types.is_nested(have):
        rows = np.flatnonzero(array.is_valid().to_numpy(zero_copy_only=False)).tolist()
        return pa.nulls(len(array), field.type), [
            Bad(row, field.name, "is nested, expected a plain value") for row in rows
        ]
    if pa.types.is_string(have) or pa.types.is_large_string(have):
        array = array.cast(pa.large_binary())
    values = _python_values(array)
    if pa.types.is_binary(field.type) and not pa.types.is_binary(have):
        # text formats carry bytes as hex
        values = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]
    return _one_by_one(values, field)


def _python_values(array: pa.Array) -> list[Any]:
    """Values one by one; one that Python cannot hold (a time of the year 30000) is an object that nothing reads."""
    try:
        return list(array.to_pylist())
    except (ValueError, OverflowError):
        if len(array) == 1:
            return [object()]
        return [value for i in range(len(array)) for value in _python_values(array.slice(i, 1))]


def check_column(array: pa.Array, field: pa.Field) -> list[Bad]:
    """Values of the right type that are impossible: missing where required, negative, not finite, out of time, huge."""
    checks: list[tuple[pa.Array, str]] = []
    if not field.nullable:
        checks.append((pc.is_null(array), "is required and missing"))
    if pa.types.is_timestamp(field.type) and field.name == "ts":
        low, high = pa.scalar(EARLIEST, TIMESTAMP), pa.scalar(LATEST, TIMESTAMP)
        checks.append((pc.or_(pc.less(array, low), pc.greater_equal(array, high)), "lies outside 2000–2100"))
    if field.name in NON_NEGATIVE:
        checks.append((pc.less(array, 0), "is negative"))
    if pa.types.is_floating(field.type):
        checks.append((pc.invert(pc.is_finite(array)), "not a finite number"))
    if pa.types.is_string(field.type) or pa.types.is_binary(field.type):
        checks.append((pc.greater(pc.binary_length(array), MOST_BYTES), "is longer than 16 MiB"))
    if field.name == "prompt_sketch":
        checks.append((_no_sketch(array), "is not a sketch of this version (`stillwatch sketch` writes them)"))
    out = []
    for mask, error in checks:
        flags = pc.fill_null(mask, False)
        if flags.true_count:
            rows = np.flatnonzero(flags.to_numpy(zero_copy_only=False)).tolist()
            out += [Bad(row, field.name, error) for row in rows]
    return out


def _no_sketch(array: pa.Array) -> pa.Array:
    rest = pc.subtract(pc.binary_length(array), HEAD_BYTES)
    whole = pc.and_(pc.greater_equal(rest, 0), pc.equal(pc.bit_wise_and(rest, 7), 0))
    return pc.invert(pc.and_(whole, pc.starts_with(array, MAGIC)))
