"""A command in a process of its own: what it printed, its CPU seconds and its peak memory.

It is started by a small parent: a child counts its parent's memory as its own until it has more.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

_LAUNCHER = """
import json, os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
said = child.stdout.read().decode()
_, status, used = os.wait4(child.pid, 0)
print(json.dumps([said, os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss // 1024]))
"""


class Ran(NamedTuple):
    """What a command did."""

    said: str
    cpu_seconds: float
    peak_mib: int


def ran(*line: str) -> Ran:
    """Run a command; one that fails ends the bench."""
    done = subprocess.run([sys.executable, "-S", "-c", _LAUNCHER, *line], stdout=subprocess.PIPE, check=True)
    said, status, cpu, peak = json.loads(done.stdout)
    if status:
        raise SystemExit(f"{' '.join(line[:4])} …: exit {status}")
    return Ran(said, cpu, peak)
