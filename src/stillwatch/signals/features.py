"""The one text pass: a batch of the log becomes integer columns and fingerprint rows. Nothing reads text after it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.engine import as_columns
from stillwatch.kernels.hashing import combine, hash_strings
from stillwatch.kernels.text import fingerprint_texts
from stillwatch.signals import sketch
from stillwatch.signals.tactics import exchange_tactics, lexicon

U64 = npt.NDArray[np.uint64]

_PARAMETERS = (
    "temperature",
    "top_p",
    "n",
    "max_output_tokens",
    "logprobs",
    "stream",
    "reasoning_effort",
    "response_format",
)
FEATURES = 1
"""Version of the text pass: columns of another do not compare with its own, and are not to be kept beside them."""
PREFIX_TOKENS = 8
"""A shorter prompt is sent by many for reasons of their own: it does not stand for a conversation."""
_EXTRACTION_LABELS = pa.array(["reasoning_extraction"])
_REFUSED_FINISH = pa.array(["refusal", "content_filter"])


def _hash(batch: pa.RecordBatch, name: str) -> U64:
    out: U64 = hash_strings(batch.column(name))
    return out


def _ints(column: pa.Array, missing: int) -> npt.NDArray[np.int64]:
    out: npt.NDArray[np.int64] = pc.fill_null(column, missing).to_numpy(zero_copy_only=False).astype(np.int64)
    return out


def _take(of_distinct: npt.NDArray[Any], column: pa.DictionaryArray) -> npt.NDArray[Any]:
    """What is known of each distinct value, row by row; 0 for null."""
    at = pc.fill_null(column.indices, len(of_distinct)).to_numpy(zero_copy_only=False)
    out: npt.NDArray[Any] = np.concatenate([of_distinct, np.zeros((1, *of_distinct.shape[1:]), of_distinct.dtype)])[at]
    return out


def parameter_vector(batch: pa.RecordBatch) -> U64:
    """One hash per request of everything that the client set; 0 where every parameter is unknown."""
    known = np.zeros(batch.num_rows, np.bool_)
    hashes = []
    for name in _PARAMETERS:
        column = batch.column(name)
        known |= pc.is_valid(column).to_numpy(zero_copy_only=False)
        distinct = column.dictionary_encode()  # a few values: numbers become text once
        hashes.append(_take(hash_strings(distinct.dictionary.cast(pa.string())), distinct))
    return np.where(known, combine(*hashes), np.uint64(0))


def client_stack(client: U64, tls: U64, parameters: U64, schema: U64) -> U64:
    """One hash of what a client looks like; 0 where client or parameters are unknown."""
    return np.where((client != 0) & (parameters != 0), combine(client, tls, parameters, schema), np.uint64(0))


def network_prefix(addresses: pa.Array) -> pa.Array:
    """/24 of IPv4 and /48 of IPv6 as text; null where the address is unknown or not an address."""
    v4 = pc.extract_regex(addresses, r"^(?P<net>\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$").field("net")
    v6 = pc.extract_regex(addresses, r"^(?P<net>[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}):").field("net")
    return pc.coalesce(v4, v6)


class FeaturePass:
    """The kernel that :meth:`Engine.map_batches` runs; it holds nothing, so that batches are independent."""

    def __call__(self, batch: pa.RecordBatch) -> dict[str, pa.Table]:
        """Yields ``exchanges`` (a row of numbers per exchange, its fingerprints as a list), and the names in it:
        ``accounts_seen``, ``models_seen``, ``channels_seen`` (hash and name)."""
        systems = batch.column("system_prompt").dictionary_encode()  # many exchanges have the same
        system = fingerprint_texts(systems.dictionary, lexicon())
        system_hash, system_skeleton = _take(system.hash, systems), _take(system.skeleton, systems)
        prompt = fingerprint_texts(batch.column("prompt"), lexicon())
        edge = (
            sketch.decode(batch.column("prompt_sketch"))
            if batch.column("prompt_sketch").null_count < batch.num_rows
            else None
        )
        prompt = sketch.merge(prompt, edge)
        account, model, channel = _hash(batch, "account_id"), _hash(batch, "model"), _hash(batch, "channel")
        ts = batch.column("ts").cast(pa.int64()).to_numpy(zero_copy_only=False)
        given_id = _hash(batch, "exchange_id")
        addresses = batch.column("client_ip").dictionary_encode()
        address = _take(hash_strings(addresses.dictionary), addresses)
        derived = combine(ts.view(np.uint64), account, prompt.hash, system_hash, model, address)
        prefix = _hash(batch, "prefix_hash")
        if edge is not None:
            system_skeleton = np.where(system_skeleton == 0, edge.system_skeleton, system_skeleton)
        output_tokens = _ints(batch.column("output_tokens"), -1)
        refused = pc.fill_null(batch.column("refusal"), False).to_numpy(zero_copy_only=False).copy()
        refused |= pc.fill_null(pc.is_in(batch.column("finish_reason"), _REFUSED_FINISH), False).to_numpy(
            zero_copy_only=False
        )
        labelled = pc.fill_null(pc.is_in(batch.column("refusal_category"), _EXTRACTION_LABELS), False).to_numpy(
            zero_copy_only=False
        )
        tactics = exchange_tactics(
            prompt.cues,
            _take(system.cues, systems),
            n_tokens=prompt.n_tokens,
            output_tokens=output_tokens,
            refused=refused,
            extraction_label=labelled,
        )
        exchanges = as_columns(
            pa.table(
                {
                    "rid": _ints(batch.column("source_file"), 0) << 40 | _ints(batch.column("source_row"), 0),
                    "key": np.where(given_id == 0, derived, given_id),
                    "given": given_id != 0,
                    "account": account,
                    "ts": ts,
                    "org": _hash(batch, "org_id"),
                    "end_user": _hash(batch, "end_user_id"),
                    "session": _hash(batch, "session_id"),
                    "channel": channel,
                    "model": model,
                    "prompt": prompt.hash,
                    "prompt_tokens": prompt.n_tokens,
                    "skeleton": prompt.skeleton,
                    "system_skeleton": system_skeleton,
                    "edge_template": _hash(batch, "template_id"),
                    "prefix": np.where(
                        prefix == 0, np.where(prompt.n_tokens >= PREFIX_TOKENS, prompt.hash, np.uint64(0)), prefix
                    ),
                    "parameters": parameter_vector(batch),
                    "schema": _hash(batch, "tool_schema_hash"),
                    "status": _ints(batch.column("status"), 200).astype(np.int32),
                    "refused": refused | labelled,
                    "tactics": tactics,
                    "address": address,
                    "network": _take(hash_strings(network_prefix(addresses.dictionary)), addresses),
                    "asn": _ints(batch.column("asn"), 0),
                    "client": _hash(batch, "user_agent"),
                    "tls": _hash(batch, "tls_fingerprint"),
                    "ref_issued": _hash(batch, "reasoning_ref_issued"),
                    "ref_presented": _hash(batch, "reasoning_ref_presented"),
                    "input_tokens": _ints(batch.column("input_tokens"), 0),
                    "output_tokens": output_tokens,
                    "reasoning_tokens": _ints(batch.column("reasoning_tokens"), 0),
                    "fingerprints": pa.ListArray.from_arrays(
                        pa.array(prompt.fp_offsets.astype(np.int32)), pa.array(prompt.fp_values)
                    ),
                }
            )
        )
        return {
            "exchanges": exchanges,
            "accounts_seen": _names(account, batch.column("account_id")),
            "models_seen": _names(model, batch.column("model")),
            "channels_seen": _names(channel, batch.column("channel")),
        }


def _names(hashes: U64, names: pa.Array) -> pa.Table:
    """Each name of a batch once, with its hash."""
    distinct, at = np.unique(hashes, return_index=True)
    return pa.table({"hash": distinct, "name": names.take(pa.array(at))})
