"""What the server keeps: SQLAlchemy Core tables, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

METADATA = MetaData()

COLLECTIONS = Table(
    "collections",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("last_added", BigInteger, nullable=False),  # the latest date_added ever given: it only grows
    Column("deletions", BigInteger, nullable=False),
    Column("stored", BigInteger, nullable=False),  # bytes of all bodies
)
"""One row per collection; who adds objects holds its lock until the addition is committed."""

OBJECTS = Table(
    "objects",
    METADATA,
    Column("collection", String(36), ForeignKey("collections.id"), primary_key=True),
    Column("id", String(300), primary_key=True),
    Column("version_key", String(40), primary_key=True),  # times.version_key: sorts as time does
    Column("version", String(64), nullable=False),  # as the object has it
    Column("type", String(250), nullable=False),
    Column("spec_version", String(8), nullable=False),
    Column("date_added", BigInteger, nullable=False),  # microseconds since the epoch, unique in a collection
    Column("org", String(64), nullable=False),  # who published it
    Column("tlp", String(16), nullable=False),
    Column("size", Integer, nullable=False),  # bytes of body
    Column("digest", LargeBinary(32), nullable=False),  # of the canonical form: what an exact duplicate is
    Column("body", LargeBinary, nullable=False),
    Index("objects_in_order", "collection", "date_added", unique=True),
    Index("objects_by_type", "collection", "type", "date_added"),
)
"""One row per version of an object in a collection."""

RECIPIENTS = Table(
    "recipients",
    METADATA,
    Column("collection", String(36), primary_key=True),
    Column("id", String(300), primary_key=True),
    Column("version_key", String(40), primary_key=True),
    Column("org", String(64), primary_key=True),
)
"""Organisations that a version was sent to by name (TLP:RED, and what a hub made for one member)."""

STATUSES = Table(
    "statuses",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("member", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("statuses_by_age", "created"),
)
"""Status resources (4.3), kept for two days."""
