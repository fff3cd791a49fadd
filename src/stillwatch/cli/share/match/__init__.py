"""`stillwatch share match`: do two providers see the same network? Without showing identifiers."""

from __future__ import annotations

import typer

from stillwatch.cli.share.match.ask import ask
from stillwatch.cli.share.match.audit import audit
from stillwatch.cli.share.match.serve import serve
from stillwatch.cli.share.match.sets import key, make_set

app = typer.Typer(help="Learn how much two providers have in common, without showing it.", no_args_is_help=True)
app.command("key")(key)
app.command("set")(make_set)
app.command()(serve)
app.command()(ask)
app.command()(audit)
