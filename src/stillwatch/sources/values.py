"""From whatever a log holds to the contract's types: whole columns where possible, value by value where not."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.domain.log import NON_NEGATIVE, TIMESTAMP

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
MOST_BYTES = 16 * 1024 * 1024


class Bad(NamedTuple):
    """One value that could not be read: row within the batch, column, and why (never the value)."""

    row: int
    column: str
    error: str


def _time(value: Any) -> int:
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return round(moment.timestamp() * 1e6)
    if isinstance(value, bool):
        raise ValueError("not a time")
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text) if "." in text else int(text)
        except ValueError:
            moment = datetime.fromisoformat(text)
            return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not a time")
    if isinstance(value, int | float):
        size = abs(value)
        for limit, factor in ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (1e20, 1e-3)):
            if size < limit:
                return round(value * factor) if factor >= 1 else int(value // 1000)
    raise ValueError("not a time")


def _integer(value: Any) -> int:
    if isinstance(value, str):
        value = float(value) if any(c in value for c in ".eE") else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or abs(value) >= 2**63:
        raise ValueError("not a whole number")
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("not a number")
    out = float(value)
    if not math.isfinite(out):
        raise ValueError("not a finite number")
    return out


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    known = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}
    key = value.strip().lower() if isinstance(value, str) else value
    if isinstance(key, str | int | float) and key in known:
        return known[key]
    raise ValueError("not true or false")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, str):
        value.encode("utf-8")
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    raise ValueError("not text")


def _binary(value: Any) -> bytes:
    if isinstance(value, str):
        return bytes.fromhex(value)
    if isinstance(value, bytes):
        return value
    raise ValueError("not bytes")


def _converter(kind: pa.DataType) -> tuple[Callable[[Any], Any], str]:
    if pa.types.is_timestamp(kind):
        return _time, "not a time"
    if pa.types.is_integer(kind):
        return _integer, "not a whole number"
    if pa.types.is_floating(kind):
        return _number, "not a finite number"
    if pa.types.is_boolean(kind):
        return _truth, "not true or false"
    if pa.types.is_binary(kind):
        return _binary, "not bytes (hex in text formats)"
    return _text, "not valid UTF-8 text"


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
        except (ValueError, OverflowError, TypeError):
            out.append(None)
            bad.append(Bad(row, field.name, what))
    if pa.types.is_timestamp(field.type):
        return pa.array(out, pa.int64()).cast(TIMESTAMP), bad
    return pa.array(out, field.type), bad


def _quickly(array: pa.Array, field: pa.Field) -> pa.Array | None:
    """The column by Arrow's own casts, or None where only single values can tell."""
    have = array.type
    if pa.types.is_dictionary(have):
        array = array.cast(have.value_type)
        have = array.type
    if pa.types.is_null(have):
        return pa.nulls(len(array), field.type)
    try:
        if pa.types.is_timestamp(field.type):
            if not pa.types.is_timestamp(have):
                return None
            plain = array.cast(pa.timestamp(have.unit)) if have.tz is None else array
            return plain.cast(pa.timestamp("us", tz=have.tz), safe=False).cast(TIMESTAMP)
        if pa.types.is_string(field.type):
            if pa.types.is_large_string(have) or pa.types.is_string(have) or pa.types.is_integer(have):
                out = array.cast(pa.string())
                out.validate(full=True)
                return out
            return None
        if pa.types.is_boolean(have) != pa.types.is_boolean(field.type):
            return None
        if (
            pa.types.is_string(have)
            or pa.types.is_large_string(have)
            or pa.types.is_binary(have) != pa.types.is_binary(field.type)
        ):
            return None
        return array.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError):
        return None


def cast_column(array: pa.Array, field: pa.Field) -> tuple[pa.Array, list[Bad]]:
    """One column in the contract's type, and the values that could not be read (null in the result)."""
    quick = _quickly(array, field)
    if quick is not None:
        return quick, []
    have = array.type
    if pa.types.is_string(have) or pa.types.is_large_string(have):
        array = array.cast(pa.large_binary())
    elif pa.types.is_dictionary(have):
        return cast_column(array.cast(have.value_type), field)
    try:
        values = array.to_pylist()
    except (ValueError, OverflowError):
        values = [None] * len(array)
        return pa.nulls(len(array), field.type), [Bad(i, field.name, "cannot be read") for i in range(len(values))]
    if pa.types.is_binary(field.type) and not pa.types.is_binary(have):
        # text formats carry bytes as hex
        values = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]
    if pa.types.is_nested(have):
        return pa.nulls(len(array), field.type), [
            Bad(i, field.name, "is nested, expected a plain value") for i, v in enumerate(values) if v is not None
        ]
    return _one_by_one(values, field)


def check_column(array: pa.Array, field: pa.Field) -> list[Bad]:
    """Values of the right type that are impossible: missing where required, negative, not finite, out of time, huge."""
    checks: list[tuple[pa.Array, str]] = []
    if not field.nullable:
        missing = pc.is_null(array)
        if pa.types.is_string(field.type):
            missing = pc.or_(missing, pc.fill_null(pc.equal(pc.binary_length(array), 0), False))
        checks.append((missing, "is required and missing"))
    if pa.types.is_timestamp(field.type) and field.name == "ts":
        low, high = pa.scalar(EARLIEST, TIMESTAMP), pa.scalar(LATEST, TIMESTAMP)
        checks.append((pc.or_(pc.less(array, low), pc.greater_equal(array, high)), "lies outside 2000–2100"))
    if field.name in NON_NEGATIVE:
        checks.append((pc.less(array, 0), "is negative"))
    if pa.types.is_floating(field.type):
        checks.append((pc.invert(pc.is_finite(array)), "not a finite number"))
    if pa.types.is_string(field.type) or pa.types.is_binary(field.type):
        checks.append((pc.greater(pc.binary_length(array), MOST_BYTES), "is longer than 16 MiB"))
    out = []
    for mask, error in checks:
        flags = pc.fill_null(mask, False)
        if flags.true_count:
            rows = np.flatnonzero(flags.to_numpy(zero_copy_only=False)).tolist()
            out += [Bad(row, field.name, error) for row in rows]
    return out
