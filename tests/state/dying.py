"""A program whose children take logs into a state and die at the n-th thing that they do with its files.

Run: ``python -m tests.state.dying STATE LOG… ``; prints a line per death, and what is in the state at the end.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from tests.state.logs import opened, taken_in

WATCHED = ("open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "fcntl.flock", "shutil.rmtree")


def take_in(folder: Path, log: Path, dies_at: int) -> None:
    """Never returns: exit status 0, or death."""
    seen = 0

    def watch(event: str, given: tuple[object, ...]) -> None:
        nonlocal seen
        if event in WATCHED and (event == "fcntl.flock" or any(str(folder) in str(g) for g in given)):
            seen += 1
            if seen == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    with opened(folder) as state:
        taken_in(state, log, blobs={"kept": log.name.encode()})
    os._exit(0)


def examine(folder: Path, out: int) -> None:
    """Never returns; tells what the state holds."""
    with opened(folder) as state:
        facts = {"rows": state.manifest.rows, "problems": state.check(), "recovered": state.recovered}
        facts["kept"] = (state.blob("kept") or b"").decode()
    os.write(out, json.dumps(facts).encode())
    os._exit(0)


def in_child(work: object, *given: object) -> int:
    child = os.fork()
    if child == 0:
        work(*given)  # type: ignore[operator]
        os._exit(70)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def examined(folder: Path) -> str:
    reads, writes = os.pipe()
    status = in_child(examine, folder, writes)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        told = pipe.read()
    return told if status == 0 else json.dumps({"status": status})


def main() -> None:
    folder, logs = Path(sys.argv[1]), [Path(log) for log in sys.argv[2:]]
    for log in logs:
        dies_at = 1
        while in_child(take_in, folder, log, dies_at) != 0:
            print(json.dumps({"log": log.name, "died_at": dies_at, **json.loads(examined(folder))}), flush=True)
            dies_at += 1
    print(examined(folder))


if __name__ == "__main__":
    main()
