"""`stillwatch evidence`: seal a case, check a seal, run the detector again, show one record, keep the custody log.

What the extra brings is imported inside the commands, so that all others work without it.
"""

from __future__ import annotations

import typer

from stillwatch.cli.evidence.custody import custody
from stillwatch.cli.evidence.dossier import dossier
from stillwatch.cli.evidence.impact import impact
from stillwatch.cli.evidence.keys import keygen, reidentify
from stillwatch.cli.evidence.records import check_record, show_record
from stillwatch.cli.evidence.replay import replay
from stillwatch.cli.evidence.seal import seal
from stillwatch.cli.evidence.verify import verify

app = typer.Typer(help="Sealed evidence: bags that show every change.", no_args_is_help=True)
for command in (keygen, seal, verify, dossier, impact, replay, custody, reidentify):
    app.command()(command)
app.command("show-record")(show_record)
app.command("check-record")(check_record)
