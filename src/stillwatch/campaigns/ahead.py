"""Candidates looked at by idle cores while their turn has not come; what is found does not depend on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, NamedTuple, TypeVar

AHEAD, FAR = 4, 64
"""Items begun before their turn, for each further core: some take a hundred times as long as others; and how far."""
Item = TypeVar("Item")
State = TypeVar("State")
Result = TypeVar("Result")


class Rules(NamedTuple, Generic[Item, State, Result]):
    """What is done with an item beside the state of things, and when it need not be done."""

    task: Callable[[Item, State], Result]
    wanted: Callable[[Item, State], bool]
    """Whether an item is worth a look as things stand."""
    apart: Callable[[Item, Sequence[Item]], bool]
    """Whether an item has little to do with those in hand, so that what becomes of them will hardly change it."""
    holds: Callable[[Item, Result, State, State], bool]
    """Whether a result of one state is that of another."""


class Ahead(Generic[Item, State, Result]):
    """Items are taken in order; each changes the state for those after it, mostly of few of them.

    Those next in turn are worked on meanwhile as if nothing changed, and again where that does not hold.
    """

    def __init__(self, items: Sequence[Item], rules: Rules[Item, State, Result], *, threads: int) -> None:
        self._items = items
        self._rules = rules
        self._room = AHEAD * (threads - 1)
        self._pool = ThreadPoolExecutor(threads)  # one for the caller's, where he waits
        self._begun: dict[int, tuple[Future[Result], State]] = {}

    def __enter__(self) -> Ahead[Item, State, Result]:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    def take(self, at: int, state: State) -> Result:
        """The result of the item in turn, as things stand."""
        item, rules = self._items[at], self._rules
        mine = self._begun.pop(at, None)
        for i, (begun, _) in list(self._begun.items()):
            if i <= at or not rules.wanted(self._items[i], state):
                begun.cancel()
                del self._begun[i]
        for i in range(at + 1, min(at + 1 + FAR, len(self._items))):
            if len(self._begun) >= self._room:
                break
            if i not in self._begun and rules.wanted(self._items[i], state):
                in_hand = [item, *(self._items[k] for k in self._begun)]
                if rules.apart(self._items[i], in_hand):
                    self._begun[i] = self._pool.submit(rules.task, self._items[i], state), state
        if mine is not None and not mine[0].cancel():
            result, before = mine[0].result(), mine[1]
            if rules.holds(item, result, before, state):
                return result
        return rules.task(item, state)
