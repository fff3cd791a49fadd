"""What people talk about with a model: each function writes one conversation, a list of (prompt, reply)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.agents.dice import Dice
from bench.agents.grammar import grammar
from bench.agents.world import Reply, World

Turn = tuple[str, Reply]
Talk = Callable[[World, Dice, str], list[Turn]]

_ASK_SHORTER = {
    "en": "Summarise this for my {x}:", "zh": "总结一下下面的内容：", "ru": "Перескажи кратко:", "es": "Resume esto:",
    "de": "Fasse das zusammen:", "fr": "Résume ce texte :", "pt": "Resume este texto:", "ja": "次の文を要約して：",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Voice:
    """How one person types."""

    lower: bool
    greeting: str
    typos: float
    tail: str

    @classmethod
    def of(cls, dice: Dice) -> Voice:
        greeting = dice.pick(["", "", "", "", "hi, ", "ok so ", "Please ", "hello. "])
        tail = dice.pick(["", "", "", "", " thanks", " pls", " Thank you!", "?", " (be brief)"])
        return cls(dice.chance(0.3), greeting, dice.pick([0, 0, 0, 0.01, 0.03]), tail)

    def say(self, text: str, dice: Dice) -> str:
        if len(text) > 400 or not text.isascii():
            return text
        if self.greeting and dice.chance(0.5):
            text = self.greeting + text
        if self.tail and dice.chance(0.5):
            text += self.tail
        if self.lower:
            text = text.lower()
        while self.typos and dice.chance(self.typos * 10):
            at = int(dice.py.random() * len(text))
            text = text[:at] + text[at + 1 :]
        return text


def reply(world: World, dice: Dice, lang: str, known: str = "", median: float = 260, risk: str | None = None) -> Reply:
    out = int(dice.lognormal(median, 0.8))
    return Reply(world.texts.answer(dice, lang, known), out, 0, risk)


def _follows(world: World, dice: Dice, lang: str, more: float) -> list[Turn]:
    turns: list[Turn] = []
    while dice.chance(more) and len(turns) < 14:
        book = grammar(f"work_{lang}" if lang in ("en", "zh", "ru") and dice.chance(0.35) else lang)
        turns.append((book.write("follow", dice), reply(world, dice, lang)))
    return turns


def everyday(world: World, dice: Dice, lang: str) -> list[Turn]:
    return [(grammar(lang).write("ask", dice), reply(world, dice, lang)), *_follows(world, dice, lang, 0.5)]


def curious(world: World, dice: Dice, lang: str) -> list[Turn]:
    """A question somebody really asked somewhere."""
    if lang == "zh":
        pool = dice.pick(["wild_zh", "alpaca_zh", "alpaca_zh"])
    elif lang == "en" or dice.chance(0.15):
        pool = dice.pick(["community", "wild", "queries", "queries", "arena", "alpaca", "tools", "tools"])
    else:
        return everyday(world, dice, lang)
    item = world.texts.item(pool, dice)
    return [(item.prompt, reply(world, dice, lang, item.output)), *_follows(world, dice, lang, 0.4)]


def coding(world: World, dice: Dice, lang: str) -> list[Turn]:
    if dice.chance(0.25):
        item = world.texts.item("code", dice)
        first = (item.prompt, reply(world, dice, "en", item.output, 500))
    else:
        first = (grammar("en").write("code", dice), reply(world, dice, "en", "", 450))
    turns = [first]
    while dice.chance(0.6) and len(turns) < 16:
        turns.append((grammar("en").write("code", dice), reply(world, dice, "en", "", 350)))
    return turns


def document(world: World, dice: Dice, lang: str) -> list[Turn]:
    """A long text pasted with a short request."""
    ask = _ASK_SHORTER[lang].replace("{x}", dice.pick(["boss", "class", "meeting", "newsletter"]))
    text = " ".join(grammar(lang).write("essay", dice) for _ in range(1 + int(dice.py.random() * 6)))
    if lang == "en" and dice.chance(0.5):
        text = world.texts.item("docs", dice).prompt
    return [(f"{ask}\n\n{text}", reply(world, dice, lang, "", 180)), *_follows(world, dice, lang, 0.3)]


def role(world: World, dice: Dice, lang: str) -> list[Turn]:
    """A role prompt copied from a collection, then chat in it."""
    item = world.texts.item(dice.pick(["roles", "roleplay"]), dice)
    return [(item.prompt, reply(world, dice, "en", item.output)), *_follows(world, dice, lang, 0.75)]


def shared_chat(world: World, dice: Dice, lang: str) -> list[Turn]:
    if lang not in ("en", "es", "de"):
        return everyday(world, dice, lang)
    return [(turn, reply(world, dice, "en")) for turn in dice.pick(world.texts.conversations)]


def homework(world: World, dice: Dice, lang: str) -> list[Turn]:
    if lang == "en":
        item = world.texts.item(dice.pick(["math", "bench", "medical"]), dice)
        lead = dice.pick(["", "", "solve: ", "help me understand this. ", "Show your work.\n", "why? "])
        return [(lead + item.prompt, reply(world, dice, "en", item.output, 300)), *_follows(world, dice, lang, 0.4)]
    symbol = "homework" if "homework" in grammar(lang) else "ask"
    return [(grammar(lang).write(symbol, dice), reply(world, dice, lang, "", 320)), *_follows(world, dice, lang, 0.4)]


def copied(world: World, dice: Dice, lang: str) -> list[Turn]:
    """A prompt copied from a board where somebody posted it, sometimes edited; or one posted there now."""
    if world.board and dice.chance(0.8):
        text = dice.pick(world.board)
        if dice.chance(0.5):
            text = f"{text} {grammar(lang).write('ask', dice)}"
    else:
        text = " ".join(grammar(lang).write("ask", dice) for _ in range(2))
        if len(world.board) < 60:
            world.board.append(text)
    return [(text, reply(world, dice, lang)), *_follows(world, dice, lang, 0.3)]


def naughty(world: World, dice: Dice, lang: str) -> list[Turn]:
    """Trying what the model refuses, out of curiosity."""
    pool, risk = dice.pick([("jailbreaks", "harm"), ("borderline", "borderline"), ("attacks", "borderline")])
    turns: list[Turn] = []
    while not turns or (dice.chance(0.5) and len(turns) < 6):
        turns.append((world.texts.item(pool, dice).prompt, reply(world, dice, lang, "", 150, risk)))
    return turns


def why(world: World, dice: Dice, lang: str) -> list[Turn]:
    """Innocent requests to see the model's reasoning."""
    words = dice.pick(
        ["Think step by step and show me how you got there.", "explain your reasoning", "walk me through your thinking"]
    )
    text = f"{grammar('en').write('question', dice)} {grammar('en').write('situation', dice)} {words}"
    return [(text, reply(world, dice, "en", "", 420, "reasoning_extraction" if dice.chance(0.1) else None))]


# What different people mostly do.
HABITS: dict[str, dict[Talk, float]] = {
    "casual": {everyday: 5, curious: 4, copied: 0.4, shared_chat: 0.5, document: 0.7, naughty: 0.15, why: 0.1},
    "developer": {coding: 7, curious: 1.5, everyday: 0.5, why: 0.2},
    "student": {homework: 5, curious: 2, document: 1, everyday: 1, why: 0.4, copied: 0.3},
    "writer": {role: 3, everyday: 2, curious: 2, shared_chat: 1, naughty: 0.3},
    "clerk": {document: 4, everyday: 3, curious: 2},
    "tinkerer": {naughty: 2, curious: 3, coding: 2, why: 0.5, copied: 0.5},
}
