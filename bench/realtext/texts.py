"""Real prompts, read from the public corpora and dealt out like cards."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

PROMPT_LIMIT, RESPONSE_LIMIT = 4000, 300
WORD = re.compile(r"[a-z]{5,}")


@dataclass(slots=True)
class Item:
    prompt: str
    response: str | None = None
    lang: str = "latin"
    topic: str = ""
    group: str = ""
    turns: list[tuple[str, str | None]] = field(default_factory=list)


def read(data: Path, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(data / f"{name}.parquet").to_pylist()
    return rows


def turns_of(messages: str | None) -> list[tuple[str, str | None]]:
    """(user text, reply) pairs of a stored conversation."""
    pairs: list[tuple[str, str | None]] = []
    for message in json.loads(messages) if messages else []:
        text = str(message.get("content") or "").strip()
        if message["role"] == "user" and text:
            pairs.append((text[:PROMPT_LIMIT], None))
        elif message["role"] == "assistant" and pairs and pairs[-1][1] is None:
            pairs[-1] = (pairs[-1][0], text[:RESPONSE_LIMIT])
    return pairs


def items(data: Path, name: str, *, subset: str = "", kind: str = "") -> list[Item]:
    """The distinct prompts of one file, in file order."""
    seen: set[str] = set()
    out: list[Item] = []
    for row in read(data, name):
        prompt = (row["prompt"] or "").strip()[:PROMPT_LIMIT]
        if not prompt or prompt in seen or subset not in row["subset"] or kind not in row["kind"]:
            continue
        seen.add(prompt)
        meta = json.loads(row["meta"]) if row["meta"] else {}
        reply = row["output"] and row["output"].replace("<|endoftext|>", "").strip()[:RESPONSE_LIMIT]
        group = meta.get("template") or meta.get("intent") or row["subset"]
        turns = turns_of(row["messages"])
        if not reply and turns and turns[0][1]:
            reply = turns[0][1]
        out.append(Item(prompt, reply or None, row["lang"], meta.get("scenario") or "", group, turns))
    return out


def name_topics(pool: list[Item]) -> None:
    """A topic for items without one: their rarest word that is still shared by many items."""
    words = [set(WORD.findall(item.prompt[:400].lower())) for item in pool]
    frequency = Counter(word for bag in words for word in bag)
    for item, bag in zip(pool, words, strict=True):
        shared = [(frequency[word], word) for word in bag if 15 <= frequency[word] <= 400]
        item.topic = item.topic or (min(shared)[1] if shared else "other")


class Deck:
    """Deals a pool by topic without repeats until the topic, then the pool, is used up; then it starts again."""

    def __init__(self, pool: list[Item], rng: np.random.Generator) -> None:
        self.rng = rng
        self.pool = pool
        self.stacks: dict[str, list[int]] = {}
        self.left: list[int] = []
        self.used: set[int] = set()
        self.reset()

    def reset(self) -> None:
        stacks: dict[str, list[int]] = defaultdict(list)
        for index in self.rng.permutation(len(self.pool)):
            stacks[self.pool[index].topic].append(int(index))
        self.stacks, self.used = stacks, set()
        self.left = [int(index) for index in self.rng.permutation(len(self.pool))]

    def topic(self) -> str:
        return self.pool[int(self.rng.integers(len(self.pool)))].topic

    def deal(self, topic: str = "") -> Item:
        for stack in (self.stacks.get(topic, []), self.left):
            while stack:
                index = stack.pop()
                if index not in self.used:
                    self.used.add(index)
                    return self.pool[index]
        self.reset()
        return self.deal(topic)


class Library:
    """Every corpus, read on first use."""

    def __init__(self, data: Path, rng: np.random.Generator) -> None:
        self.data, self.rng = data, rng

    @cached_property
    def chat(self) -> Deck:
        pool = [item for name in ("B_autoj_scenario_queries", "B_lima", "B_lmsys_arena") for item in self.load(name)]
        pool += self.load("B_instructionwild") + self.load("B_sharegpt_1k") + self.load("C_xstest", kind="safe")
        pool += self.load("A_gpteacher", subset="roleplay") + self.tool_queries[0::4]
        pool += [Item(body, i.response) for i in self.patients[1] if (body := i.prompt.partition("\n\n")[2])]
        pool += [item for item in self.load("B_benchmark_sweeps", kind="") if item.group == "test"][1400:]
        pool = [item for item in {item.prompt: item for item in pool}.values() if item.lang != "zh"]
        name_topics(pool)
        return Deck(pool, self.rng)

    @cached_property
    def code(self) -> Deck:
        """What developers send: code requests, function-calling queries, a quarter of the plugin queries."""
        pool = self.load("A_gpteacher", subset="codegen") + self.load("B_bfcl_live") + self.tool_queries[2::4]
        for item in pool:
            item.topic = ""
        name_topics(pool)
        return Deck(pool, self.rng)

    @cached_property
    def patients(self) -> tuple[list[Item], list[Item]]:
        """Doctor questions: one half for a harvest, the bodies of the other half for people who ask them."""
        rows = self.shuffled(self.load("A_chatdoctor5k"))
        return rows[:3000], rows[3000:]

    @cached_property
    def tool_queries(self) -> list[Item]:
        return self.shuffled(self.load("A_metatool", kind="tool_query"))

    @cached_property
    def chinese(self) -> Deck:
        """Chinese-speaking people: posted and arena prompts, and the half of the instructions no harvest draws on."""
        pool = [i for name in ("B_instructionwild", "B_lmsys_arena") for i in self.load(name) if i.lang == "zh"]
        pool += self.shuffled(self.load("A_alpaca_zh", subset="part-00"))[:6000]
        return Deck(pool, self.rng)

    @cached_property
    def conversations(self) -> Deck:
        pool = [item for name in ("B_sharegpt_1k", "B_lmsys_arena") for item in self.load(name)]
        return Deck([item for item in pool if item.turns], self.rng)

    @cached_property
    def replies(self) -> list[str]:
        pairs = [pair for item in self.conversations.pool for pair in item.turns if pair[1]]
        replies = [str(reply) for _, reply in pairs]
        return replies + [item.response for item in self.load("B_lima") if item.response]

    @cached_property
    def editors(self) -> list[list[tuple[int, str, str | None]]]:
        """Tensor Trust players: their saved prompts with times, in order."""
        players: dict[str, list[tuple[int, str, str | None]]] = defaultdict(list)
        for row in read(self.data, "D_tensor_trust_requests"):
            text = f"{row['opening_defense'] or ''}\n{row['access_code'] or ''}\n{row['closing_defense'] or ''}".strip()
            if text:
                reply = (row["llm_output"] or "")[:RESPONSE_LIMIT] or None
                players[row["user_id"]].append((int(row["ts"].timestamp() * 1e6), text[:PROMPT_LIMIT], reply))
        return [sorted(rows, key=lambda row: row[0]) for rows in players.values() if len(rows) >= 2]

    @cached_property
    def breadth(self) -> list[tuple[int, float]]:
        """Real people of PRISM: conversations and the share of them that opens a new topic."""
        clusters: dict[str, list[int]] = defaultdict(list)
        for row in read(self.data, "B_prism_user_topics"):
            clusters[row["user_id"]].append(row["cluster_t2"])
        return [(len(topics), len(set(topics)) / len(topics)) for topics in clusters.values()]

    def template(self, path: str) -> str:
        rows = read(self.data, "A_harvest_templates")
        return next(str(row["text"]) for row in rows if row["path"].endswith(path))

    def load(self, name: str, *, subset: str = "", kind: str = "") -> list[Item]:
        return items(self.data, name, subset=subset, kind=kind)

    def shuffled(self, pool: list[Item]) -> list[Item]:
        return [pool[int(index)] for index in self.rng.permutation(len(pool))]
