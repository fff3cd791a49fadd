"""``python -m stillwatch.lab.peers NAME WORLD OUT``: one peer over one world, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from stillwatch.domain.errors import InputError
from stillwatch.lab.peers import PEERS
from stillwatch.lab.peers.base import open_world, write_case

if __name__ == "__main__":
    try:
        name, folder, out = sys.argv[1:]
        world = open_world(Path(folder))
        write_case(world, PEERS[name](world), Path(out))
    except (ValueError, KeyError):
        sys.exit(f"usage: python -m stillwatch.lab.peers {{{','.join(PEERS)}}} WORLD OUT")
    except InputError as exc:
        sys.exit(f"stillwatch: {exc}")
