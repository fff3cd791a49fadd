"""Who shares what: sampled accounts, and the payments, devices, addresses and templates that tie them."""

from __future__ import annotations

import math

import numpy as np
from markupsafe import Markup

from stillwatch.domain.verdict import Charts
from stillwatch.report.charts.layout import force_layout
from stillwatch.report.charts.svg import MUTED, WIDTH, dots, num, svg, text
from stillwatch.report.words import KINDS_OF_NODE

HEIGHT, EDGE, MOST_NODES = 400, 18, 300
ACCOUNT = "#8494a5"
COLOURS = ("#b3430a", "#0a5c9e", "#00785a", "#7a3b8f", "#8a6a00", "#3d3d3d")
CORNERS = (4, 3, 24, 6, 5, 4)
"""One colour and one shape per kind of value, in the order in which kinds appear."""


def graph_chart(charts: Charts, *, rounds: int = 80, most: int = 2_000) -> Markup | None:
    """The figure, or None where nothing is shared. Accounts without a tie are counted below it, not drawn.

    ``most`` bounds the edges (evenly thinned), ``rounds`` the time.
    """
    nodes = charts.graph_nodes[:MOST_NODES]
    held = [(a, b) for a, b in charts.graph_edges if 0 <= a < len(nodes) and 0 <= b < len(nodes)]
    edges = np.array(held[:: -(-len(held) // most) or 1], np.int64).reshape(-1, 2)
    if not len(edges):
        return None
    used = np.unique(edges)
    edges = np.searchsorted(used, edges)
    place = force_layout(len(used), edges, rounds)
    x = np.rint(EDGE + place[:, 0] * (WIDTH - 2 * EDGE)).astype(int).tolist()
    y = np.rint(EDGE + place[:, 1] * (HEIGHT - 2 * EDGE)).astype(int).tolist()
    kinds = [nodes[i][1] for i in used.tolist()]
    degree = np.bincount(edges.ravel(), minlength=len(used))
    web = "".join(f"M{x[a]} {y[a]}L{x[b]} {y[b]}" for a, b in edges.tolist())
    parts = [
        Markup('<path d="{}" fill="none" stroke="{}" stroke-width=".7" stroke-opacity=".35"/>').format(web, MUTED),
        dots(sorted((x[i], y[i]) for i, k in enumerate(kinds) if k == "account"), ACCOUNT, 6),
    ]
    others = list(dict.fromkeys(k for k in kinds if k != "account"))
    for number, kind in enumerate(others):
        style = min(number, len(COLOURS) - 1)
        marks = "".join(
            _mark(style, x[i], y[i], 5 + min(int(degree[i]) // 12, 4)) for i, k in enumerate(kinds) if k == kind
        )
        parts.append(Markup('<path d="{}" fill="{}" stroke="#fff"/>').format(marks, COLOURS[style]))
    loud = [i for i in np.argsort(-degree, kind="stable").tolist() if kinds[i] != "account"][:8]
    written: list[tuple[int, int]] = []
    for i in loud:
        right = x[i] > WIDTH - 110
        label = nodes[int(used[i])][0]
        if any(abs(x[i] - u) < 80 and abs(y[i] - w) < 13 for u, w in written):
            continue
        written.append((x[i], y[i]))
        parts.append(
            text(x[i] + (-10 if right else 10), y[i] + 4, label[:28], anchor="end" if right else "start", kind="halo")
        )
    parts += _legend(others)
    accounts = sum(k == "account" for k in kinds)
    alone = sum(kind == "account" for _, kind in nodes) - accounts
    if alone > 0:
        note = f"{alone:,} sampled accounts without a tie are not drawn"
        parts.append(text(WIDTH - 4, HEIGHT + 36, note, anchor="end", kind="m"))
    words = f"{accounts:,} sampled accounts tied by {len(kinds) - accounts:,} shared values"
    return svg(WIDTH, HEIGHT + (44 if alone > 0 else 26), "Account graph", words, parts)


def _mark(style: int, x: float, y: float, r: float) -> str:
    corners, turn = CORNERS[style], math.pi / 4 if style == 0 else math.pi / 2
    points = ((turn + 2 * math.pi * k / corners) for k in range(corners))
    return "M" + "L".join(f"{num(x + r * math.cos(a))} {num(y - r * math.sin(a))}" for a in points) + "Z"


def _legend(kinds: list[str]) -> list[Markup]:
    x, y = 10.0, HEIGHT + 18
    parts = [dots([(10, y - 4)], ACCOUNT, 6), text(x + 9, y, "account")]
    x += 74
    for number, kind in enumerate(kinds[:6]):
        name = KINDS_OF_NODE.get(kind, kind)[:20]
        style = min(number, len(COLOURS) - 1)
        parts.append(Markup('<path d="{}" fill="{}"/>').format(_mark(style, x, y - 4, 5), COLOURS[style]))
        parts.append(text(x + 10, y, name))
        x += 32 + 6.8 * len(name)
    return parts
