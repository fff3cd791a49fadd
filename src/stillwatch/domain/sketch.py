"""The layout of a prompt's sketch (contract: ``prompt_sketch``), as far as one can be told from other bytes."""

from __future__ import annotations

MAGIC = b"SW1\0"
HEAD_BYTES = len(MAGIC) + 6 * 8 + 3 * 4
"""Magic, six hashes (u64), three counts (u32); fingerprints (u64 each) follow. Little endian."""
