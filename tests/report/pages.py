"""Reading a report as a machine: its tags, attributes and words."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple

VOID = {"meta", "br", "path", "rect"}


class Page(NamedTuple):
    """What a parser sees."""

    tags: list[tuple[str, dict[str, str]]]
    words: str
    balanced: bool


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.balanced = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.balanced = False

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


def read_page(html: str) -> Page:
    """Parse a report."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Page(reader.tags, " ".join(" ".join(reader.words).split()), reader.balanced and not reader.open)
