"""Work in threads, for kernels that let go of the interpreter; what comes of it does not depend on their number."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """A pool of ``count`` threads."""

    def __init__(self, count: int) -> None:
        self.count = max(1, count)
        self._pool = ThreadPoolExecutor(self.count)

    def __enter__(self) -> Threads:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)

    def in_order(self, tasks: Iterator[Callable[[], T]]) -> Iterator[T]:
        """What tasks yield, in their order; few of them are ahead of what is used, none with one thread."""
        if self.count == 1:
            yield from (task() for task in tasks)
            return
        window: deque[Future[T]] = deque()
        try:
            for task in tasks:
                window.append(self._pool.submit(task))
                if len(window) > self.count + 1:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        finally:
            for waiting in window:
                waiting.cancel()

    def read_ahead(self, pieces: Iterator[T]) -> Iterator[T]:
        """Pieces in their order; the next one is read while one is worked on."""
        with ThreadPoolExecutor(1) as reader:
            waiting = reader.submit(next, pieces, None)
            while (piece := waiting.result()) is not None:
                waiting = reader.submit(next, pieces, None)
                yield piece

    def by_part(self, kernel: Callable[..., Any], given: Sequence[Any], states: Sequence[Any]) -> list[Any]:
        """``kernel(*given, part, parts, *state)`` for each of ``count`` parts at a time, each with its state."""
        parts = [self._pool.submit(kernel, *given, i, self.count, *state) for i, state in enumerate(states)]
        return [part.result() for part in parts]
