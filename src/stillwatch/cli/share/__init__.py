"""`stillwatch share`: what was learnt, for others: bundles, leads, confirmations, an exchange, private matching.

What the extra brings is imported inside the commands, so that all others work without it.
"""

from __future__ import annotations

import typer

from stillwatch.cli.share.exchange.client import pull, push
from stillwatch.cli.share.exchange.demo import demo
from stillwatch.cli.share.exchange.serve import hub, serve
from stillwatch.cli.share.exchange.setup import setup, token
from stillwatch.cli.share.leads import confirm, leads, sightings
from stillwatch.cli.share.match import app as match
from stillwatch.cli.share.misp import misp
from stillwatch.cli.share.stix import stix

app = typer.Typer(help="Share what was learnt, take in what others learnt.", no_args_is_help=True)
for command in (stix, misp, leads, confirm, sightings, setup, token, serve, hub, push, pull, demo):
    app.command()(command)
app.add_typer(match, name="match")
