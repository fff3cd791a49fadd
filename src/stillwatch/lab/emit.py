"""Requests of a cast into the log: parameters, tokens, errors, retries, sessions, references."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.lab.clock import DAY, SECOND, Floats, Ints
from stillwatch.lab.fitted import FITTED
from stillwatch.lab.identity import Cast
from stillwatch.lab.text.grammar import draw_mixed
from stillwatch.lab.text.material import with_material
from stillwatch.lab.world import NEW_MODEL, World

TOKENS = FITTED["tokens"]
_NEXT = np.array([NEW_MODEL.get(m, m) for m in range(6)])


def turns(session: Ints, ts: Ints) -> Ints:
    """Position of each exchange in its session, from 0."""
    order = np.lexsort((ts, session))
    sorted_session = session[order]
    first = np.concatenate([[True], sorted_session[1:] != sorted_session[:-1]])
    starts = np.flatnonzero(first)
    turn = np.empty(len(session), dtype=np.int64)
    turn[order] = np.arange(len(session)) - np.repeat(starts, np.diff([*starts, len(session)]))
    return turn


def emit(
    world: World,
    cast: Cast,
    who: Ints,
    ts: Ints,
    prompt: Any,
    *,
    session: Ints | None = None,
    system: Ints | None = None,
    output: tuple[float, float] = (TOKENS["chat_output_mu"], TOKENS["chat_output_sigma"]),
    end_user: Ints | None = None,
    refuse: float | Floats = 0.008,
    errors: float = 1.0,
    retry: float = 0.7,
    context: tuple[float, float] | None = None,
    ip: Ints | None = None,
    language: Ints | None = None,
    response: Any = None,
    extra: dict[str, Any] | None = None,
    category: str = "policy",
    dialogue: bool = True,
    turn: Ints | None = None,
) -> None:
    """Append exchanges. ``who`` are positions in ``cast``; ``ts`` microseconds from the start. Times outside the log,
    before sign-up are cut here. ``dialogue`` false: independent calls; ``turn`` overrides the position."""
    rng = world.rng
    keep = np.flatnonzero(
        (ts >= 0) & (ts < world.span) & (ts + world.start > cast.created[who]) & (ts < cast.until[who])
    )
    if len(keep) == 0:
        return
    rows = pa.array(keep)
    who, ts, prompt = who[keep], ts[keep], prompt.take(rows)
    n = len(who)
    pick = {k: v[keep] for k, v in (extra or {}).items()}
    system = system[keep] if system is not None else np.full(n, -1)
    end_user = end_user[keep] if end_user is not None else np.full(n, -1)
    lang = cast.language[who] if language is None else language[keep]
    if world.scenario.material:
        prompt = with_material(prompt, lang, world.scenario.material, rng)
    if session is None:
        sessions, declared = np.full(n, -1), np.zeros(n, dtype=bool)
        turn = np.zeros(n, dtype=np.int64) if turn is None else turn[keep]
    else:
        sessions = session[keep] + world.sessions
        turn = turn[keep] if turn is not None else turns(session[keep], ts) * int(dialogue)
        world.sessions += int(session.max()) + 1
        declared = cast.declares_session[who] > 0
    where = (sessions if session is not None else ts // DAY) * 2654435761 % 1000
    slot = np.where(where < 780, 0, np.where(where < 930, 1, 2))
    model = cast.model[who]
    model = np.where(ts / DAY > cast.switch[who], _NEXT[model], model)
    model = pick.pop("model", model)
    length = pc.binary_length(prompt).to_numpy(zero_copy_only=False)
    wide = np.where(np.isin(lang, (1, 5)), 2.6, np.where(lang == 2, 5.2, 4.1))
    history = np.where(turn > 0, turn * rng.lognormal(TOKENS["history_mu"], TOKENS["history_sigma"] / 2, n), 0)
    known = world.coder("system_prompt").lengths()[system]
    system_tokens = np.where(system >= 0, known // 4 + 3, 0)
    added = rng.lognormal(context[0], context[1], n) if context else 0
    incoming = (length / wide + 4 + system_tokens + history + added).astype(np.int64)
    limit = np.where(cast.max_output[who] < 0, 8192, cast.max_output[who])
    wanted = np.maximum(1, rng.lognormal(output[0], output[1], n)).astype(np.int64)
    reasoning_model = (model == 2) | (model == 5)
    reasoning = np.where(reasoning_model, rng.lognormal(6.3, 0.9, n).astype(np.int64), -1)
    out = np.minimum(wanted, limit)
    draw = rng.random(n)
    status = np.where(
        draw < 0.004 * errors,
        429,
        np.where(
            draw < 0.007 * errors,
            500,
            np.where(
                draw < 0.009 * errors,
                400,
                np.where(draw < 0.0096 * errors, 403, np.where(draw < 0.0105 * errors, 503, 200)),
            ),
        ),
    )
    status = pick.pop("status", status)
    ok = status == 200
    refused = ok & (rng.random(n) < (refuse if isinstance(refuse, float) else refuse[keep]))
    labels = world.coder("refusal_category").codes([category, "policy", "reasoning_extraction"])
    label = labels[rng.choice(3, n, p=[0.9, 0.06, 0.04])]  # a provider's own labels err
    finish = np.where(
        refused, 3, np.where(wanted > limit, 1, np.where((cast.tools[who] > 0) & (rng.random(n) < 0.5), 2, 0))
    )
    text = draw_mixed("answer", lang, rng, 0) if response is None else response.take(rows)
    text = pc.if_else(pa.array(refused), draw_mixed("refusal", lang, rng, 0), text)
    text = pc.if_else(pa.array(ok), text, pa.scalar(None, pa.large_string()))
    out = np.where(refused, rng.integers(8, 60, n), out)
    cached = np.where((turn > 0) & ok & (incoming > 1024), (incoming * rng.uniform(0.4, 0.95, n)).astype(np.int64), 0)
    block: dict[str, Any] = {
        "acct": cast.index[who],
        "ts": ts,
        "prompt": prompt,
        "response": text,
        "system_prompt": system,
        "end_user_id": end_user,
        "org_id": cast.org[who],
        "api_key_id": cast.keys[who],
        "session": np.where(declared, sessions, -1),
        "channel": cast.channel[who],
        "model": model,
        "message_count": 1 + 2 * turn + (system >= 0),
        "input_tokens": incoming,
        "output_tokens": np.where(ok, out, 0),
        "reasoning_tokens": np.where(ok, reasoning, -1),
        "cached_input_tokens": cached,
        "temperature": cast.temperature[who],
        "top_p": cast.top_p[who],
        "max_output_tokens": cast.max_output[who],
        "stream": cast.stream[who],
        "reasoning_effort": np.where(reasoning_model, cast.effort[who], -1),
        "response_format": cast.format[who],
        "tools_count": cast.tools[who],
        "tool_schema_hash": cast.schema[who],
        "status": status,
        "finish_reason": np.where(ok, finish, -1),
        "refusal": refused.astype(np.int64),
        "refusal_category": np.where(refused, label, -1),
        "ip": cast.ips[who, slot] if ip is None else ip[keep],
        "user_agent": cast.clients[who, np.where(where < 850, 0, 1)],
        "tls_fingerprint": cast.tls[who],
        "issues": ok & reasoning_model & (sessions >= 0),
        "chain": sessions if dialogue else np.full(n, -1),
        "replay": np.full(n, -1),
        "lang": lang,
    }
    block |= pick
    again = np.flatnonzero(np.isin(status, (429, 500, 503)) & (rng.random(n) < retry))
    if len(again):
        later = _retried(world, block, again)
        fine = np.flatnonzero((later["ts"] < world.span) & (later["ts"] < cast.until[who[again]]))
        block = {name: _both(block[name], later[name], fine) for name in block}
    world.log.add(block | references(world, block))


def _both(column: Any, later: Any, fine: Ints) -> Any:
    if isinstance(column, np.ndarray):
        return np.concatenate([column, later[fine]])
    return pa.concat_arrays([column, later.take(pa.array(fine))])


def references(world: World, block: dict[str, Any]) -> dict[str, Ints]:
    """Opaque reasoning references: presented by the next turn of the session that got them, or replayed elsewhere."""
    rng, ts, n = world.rng, block["ts"], len(block["ts"])
    issued = np.where(block["issues"], world.references + np.arange(n), -1)
    presented = np.full(n, -1)
    rows = np.flatnonzero(block["chain"] >= 0)
    rows = rows[np.lexsort((ts[rows], block["chain"][rows]))]
    follows = np.flatnonzero(block["chain"][rows[1:]] == block["chain"][rows[:-1]])
    presented[rows[follows + 1]] = issued[rows[follows]]
    for group in np.unique(block["replay"][block["replay"] >= 0]):
        mine = np.flatnonzero((block["replay"] == group) & (issued >= 0))
        mine = mine[np.argsort(ts[mine], kind="stable")]
        lag = np.minimum(rng.integers(1, 40, len(mine)), np.arange(len(mine)))
        presented[mine] = np.where(lag > 0, issued[mine[np.arange(len(mine)) - lag]], -1)
    world.references += n
    return {"issued": issued, "presented": presented}


def _retried(world: World, block: dict[str, Any], rows: Ints) -> dict[str, Any]:
    """The same requests once more after a back-off."""
    rng = world.rng
    copy = {k: v[rows] if isinstance(v, np.ndarray) else v.take(pa.array(rows)) for k, v in block.items()}
    copy["ts"] = copy["ts"] + (rng.lognormal(1.5, 0.9, len(rows)) * SECOND).astype(np.int64)
    copy["status"], copy["finish_reason"] = np.full(len(rows), 200), np.zeros(len(rows), dtype=np.int64)
    limit = np.where(copy["max_output_tokens"] < 0, 8192, copy["max_output_tokens"])
    copy["output_tokens"] = np.minimum(np.maximum(1, rng.lognormal(5, 1, len(rows))).astype(np.int64), limit)
    copy["response"] = draw_mixed("answer", copy["lang"], rng, 0)
    return copy
