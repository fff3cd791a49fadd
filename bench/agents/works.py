"""Templated work: how an item of a corpus becomes a request. Harvesters and honest batch users share it.

Every kind of work has frames in several languages. `variety` says how often a frame is rewritten:
`fixed` once per campaign, `crew` once per crew, `account` once per account, `request` every time, `deep` every time and
then reworded word by word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bench.agents.dice import Dice
from bench.agents.grammar import grammar
from bench.agents.reword import reword
from bench.agents.texts import Item
from bench.agents.world import Reply, World


@dataclass(frozen=True, slots=True)
class Job:
    prompt: str
    reply: Reply
    system: str | None
    tools: int | None = None
    schema: str | None = None
    response_format: str | None = None


@dataclass
class Work:
    """One kind of work over one corpus. `owner` seeds its frames and where in the corpus it begins."""

    kind: str
    owner: str
    pool: str = "math"
    languages: tuple[str, ...] = ("en",)
    variety: str = "fixed"
    house: str = ""  # a sentence that only this owner adds to its frames
    _frames: dict[tuple[object, ...], str] = field(default_factory=dict)

    def frame(self, symbol: str, lang: str, dice: Dice, crew: int, account: int) -> str:
        """A frame with its slots open, kept for as long as `variety` says."""
        if self.variety in ("request", "deep"):
            text = grammar(f"work_{lang}").write(symbol, dice)
            return reword(text, lang, dice) if self.variety == "deep" else text
        key = (symbol, lang, *{"fixed": (), "crew": (crew,), "account": (account,)}[self.variety])
        if key not in self._frames:
            text = grammar(f"work_{lang}").write(symbol, Dice(self.owner, *key))
            self._frames[key] = f"{self.house}\n{text}" if self.house else text
        return self._frames[key]

    def job(self, world: World, dice: Dice, number: int, crew: int = 0, account: int = 0) -> Job:
        """The request for item `number` of the corpus."""
        items = world.texts.pools[self.pool]
        first = Dice("first item", self.owner, self.pool).py.randrange(len(items))
        lang = self.languages[number % len(self.languages)]
        return _MAKERS[self.kind](self, world, dice, items[(first + number) % len(items)], lang, crew, account)


def _fill(frame: str, **slots: str) -> str:
    for slot, text in slots.items():
        frame = frame.replace(f"[[{slot}]]", text)
    return frame


def _trace(dice: Dice, lang: str, rounds: int) -> str:
    return " ".join(grammar(f"work_{lang}").write("trace", dice) for _ in range(rounds))


def _recast(work: Work, dice: Dice, lang: str, prompt: str, system: str | None) -> tuple[str, str | None]:
    """Full paraphrase: incidental sentences, and the instruction in the system prompt or in the user's."""
    colour = [grammar(f"work_{lang}").write("colour", dice) for _ in range(1 + int(dice.py.random() * 2))]
    if work.variety == "deep":
        colour = [reword(text, lang, dice) for text in colour]
    if system is not None and dice.chance(0.5):
        return f"{system} {' '.join(colour)}\n\n{prompt}", None
    if system is not None:
        return prompt, " ".join(dice.some([system, *colour], 3))
    return (f"{prompt} {' '.join(colour)}" if dice.chance(0.5) else f"{' '.join(colour)} {prompt}"), None


def _cot(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    prompt = _fill(work.frame("cot", lang, dice, crew, account), item=item.prompt[:1500])
    system: str | None = work.frame("cot_system", lang, dice, crew, account)
    if work.variety in ("request", "deep"):
        prompt, system = _recast(work, dice, lang, prompt, system)
    return Job(
        prompt,
        Reply(
            _trace(dice, lang, 1), int(dice.lognormal(900, 0.5)), int(dice.lognormal(500, 0.6)), "reasoning_extraction"
        ),
        system,
    )


def _finished(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    answer = item.output or world.texts.answer(dice, lang)
    prompt = _fill(work.frame("finished", lang, dice, crew, account), item=item.prompt[:900], answer=answer[:500])
    return Job(prompt, Reply(_trace(dice, lang, 1), int(dice.lognormal(750, 0.5)), 0, "reasoning_extraction"), None)


def _framing(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    text = _fill(grammar(f"work_{lang}").write("framing", dice), item=item.prompt[:400])
    return Job(text, Reply(_trace(dice, lang, 1), int(dice.lognormal(400, 0.5)), 0, "framing"), None)


def _grade(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    symbol = dice.pick(("grade", "grade", "pair")) if work.variety != "fixed" else "grade"
    slots = {
        "item": item.prompt[:900],
        "a": world.texts.answer(dice, lang, item.output),
        "b": world.texts.answer(dice, lang),
    }
    prompt = _fill(work.frame(symbol, lang, dice, crew, account), **slots)
    score = f'{{"score": {dice.py.randrange(1, 11)}, "verdict": "{dice.pick(["ok", "weak", "good", "reject"])}"}}'
    return Job(
        prompt,
        Reply(score, int(dice.lognormal(14, 0.3))),
        work.frame("rubric_system", lang, dice, crew, account),
        response_format="json_object",
    )


def _rewrite(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    topic = item.prompt[:600] if lang == "zh" else grammar(lang).write("sensitive", dice)
    prompt = _fill(work.frame("rewrite", lang, dice, crew, account), item=topic)
    return Job(prompt, Reply(world.texts.answer(dice, lang), int(dice.lognormal(300, 0.5)), 0, "political"), None)


def _persona(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    system = grammar("work_en").write("persona_system", dice)
    if work.variety == "deep":
        system = reword(system, "en", dice)
    return Job(
        grammar("work_en").write("kernel", dice),
        Reply(grammar("en").write("snippet", dice), int(dice.lognormal(1500, 0.4))),
        system,
    )


def _instruct(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    prompt = _fill(work.frame("instruct", lang, dice, crew, account), item=item.prompt[:1500])
    if work.variety in ("request", "deep"):
        prompt, _ = _recast(work, dice, lang, prompt, None)
    return Job(prompt, Reply(world.texts.answer(dice, lang, item.output), int(dice.lognormal(420, 0.6))), None)


def _tools(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    name = dice.pick(["search", "lookup", "fetch", "convert", "none"])
    call = f'{{"name": "{name}", "arguments": {{"q": "{item.label}"}}}}'
    count = 3 + Dice(work.owner, "tools").py.randrange(9)
    schema = f"{Dice(work.owner, 'schema').py.getrandbits(48):012x}"
    return Job(item.prompt[:1200], Reply(call, int(dice.lognormal(60, 0.4))), None, count, schema, "json_schema")


def _qa(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    text = item.prompt[:3000] if lang == "en" else grammar(lang).write("essay", dice)
    prompt = _fill(work.frame("qa", lang, dice, crew, account), doc=text)
    return Job(prompt, Reply(world.texts.answer(dice, lang), int(dice.lognormal(700, 0.4))), None)


def _launder(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    prompt = _fill(work.frame("launder", lang, dice, crew, account), a=f"{item.prompt[:300]}\n{_trace(dice, lang, 2)}")
    return Job(prompt, Reply(_trace(dice, lang, 1), int(dice.lognormal(500, 0.5))), None)


def _translate(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    text = grammar("en").write("essay", dice)
    prompt = _fill(work.frame("translate", "en", dice, crew, account), doc=text)
    return Job(prompt, Reply(world.texts.answer(dice, "fr"), int(dice.lognormal(200, 0.4))), None)


def _review(work: Work, world: World, dice: Dice, item: Item, lang: str, crew: int, account: int) -> Job:
    change = "".join(grammar("en").write("snippet", dice) for _ in range(1 + dice.py.randrange(4)))
    prompt = _fill(work.frame("review", "en", dice, crew, account), doc=change)
    return Job(prompt, Reply(world.texts.answer(dice, "en"), int(dice.lognormal(250, 0.6))), None)


_MAKERS: dict[str, Callable[[Work, World, Dice, Item, str, int, int], Job]] = {
    "cot": _cot, "finished": _finished, "framing": _framing, "grade": _grade, "rewrite": _rewrite, "persona": _persona,
    "instruct": _instruct, "tools": _tools, "qa": _qa, "launder": _launder, "translate": _translate, "review": _review,
}  # fmt: skip
