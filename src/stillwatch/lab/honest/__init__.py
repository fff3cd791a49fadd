"""Honest kinds: each is one function ``kind(world, accounts)`` registered in KINDS."""

from __future__ import annotations

from collections.abc import Callable

from stillwatch.lab.honest import crowds, groups, machines, people
from stillwatch.lab.world import World

Kind = Callable[[World, int], None]

KINDS: dict[str, Kind] = {
    "chat": people.chat,
    "developers": people.developers,
    "families": people.families,
    "switchers": people.switchers,
    "red_team": people.red_team,
    "audit": people.audit,
    "backends": machines.backends,
    "batch": machines.batch,
    "judges": machines.judges,
    "cron": machines.cron,
    "aggregators": machines.aggregators,
    "benchmarks": machines.benchmarks,
    "swarms": machines.swarms,
    "licensed": machines.licensed,
    "outgrown": machines.outgrown,
    "company": groups.company,
    "fleet": groups.fleet,
    "load_balancer": groups.load_balancer,
    "agency": groups.agency,
    "classroom": crowds.classroom,
    "hackathon": crowds.hackathon,
    "tool": crowds.tool,
    "template_tool": crowds.template_tool,
    "viral": crowds.viral,
}
"""Everybody who looks like something and is not."""
