"""A page of the lab: plain HTML with inline figures, readable without a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

STYLE = Markup(
    "body{margin:0;background:#fff;color:#1b2430;font:15px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums}"
    "main{max-width:960px;margin:0 auto;padding:40px 28px 64px}h1{font-size:32px;line-height:1.15;margin:0 0 12px}"
    "h2{font-size:21px;margin:44px 0 8px;border-top:2px solid #1b2430;padding-top:14px}p,li{max-width:76ch}"
    "svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,sans-serif}figure{margin:18px 0}"
    "table{border-collapse:collapse;width:100%;font-size:13.5px;margin:10px 0}"
    "th{text-align:left;color:#5b6672;border-bottom:1px solid #1b2430;padding:4px 14px 4px 0}"
    "td{border-bottom:1px solid #d9dee4;padding:5px 14px 5px 0}.note{color:#5b6672;font-size:13px}"
    "@media print{main{max-width:none;padding:0}figure{break-inside:avoid}}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def html(title: str, body: Iterable[Markup]) -> str:
    """The whole page; nothing in it loads or runs anything."""
    return str(
        Markup(
            '<!doctype html><html lang="en"><meta charset="utf-8">'
            '<meta http-equiv="Content-Security-Policy" content="{}">'
            '<meta name="viewport" content="width=device-width"><title>{}</title><style>{}</style>'
            "<main><h1>{}</h1>{}</main></html>\n"
        ).format(POLICY, title, STYLE, title, Markup("").join(body))
    )


def heading(words: str) -> Markup:
    """A section's heading."""
    return Markup("<h2>{}</h2>").format(words)


def paragraph(words: str, *, note: bool = False) -> Markup:
    """A paragraph; ``note`` in small grey letters."""
    return Markup("<p{}>{}</p>").format(Markup(' class="note"') if note else "", words)


def figure(picture: Markup) -> Markup:
    """A figure."""
    return Markup("<figure>{}</figure>").format(picture)


def table(head: Sequence[str], body: Iterable[Sequence[str]]) -> Markup:
    """A table of text; every cell is escaped."""
    top = Markup("").join(Markup("<th>{}</th>").format(h) for h in head)
    lines = Markup("").join(
        Markup("<tr>{}</tr>").format(Markup("").join(Markup("<td>{}</td>").format(escape(c)) for c in row))
        for row in body
    )
    return Markup("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>").format(top, lines)
