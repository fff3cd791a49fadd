"""A campaign with 24,000 indicators as a STIX bundle: written, and read back within the bounds for others' bundles.

    python bench/sharing.py [--indicators 24000] [--repeat 3] [--skip-peer]

The same indicators are also made and written with the objects of the `stix2` library. Prints Markdown: CPU seconds
(least of the repeats) and ratios.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from stillwatch.domain.verdict import Campaign, Charts, Impact
from stillwatch.sharing.case import Shareable, share_stix
from stillwatch.sharing.fingerprints import Fingerprint
from stillwatch.sharing.inbound.bundle import load_bundle
from stillwatch.sharing.inbound.wanted import asked
from stillwatch.sharing.stix.producer import Producer
from stillwatch.sharing.stix.versions import Span

T = TypeVar("T")
FIRST, LAST = datetime(2026, 6, 15, tzinfo=UTC), datetime(2026, 6, 17, tzinfo=UTC)


def large(number: int) -> Shareable:
    """One campaign, as many networks."""
    campaign = Campaign(
        id="c", verdict="campaign", title="", accounts=24_000, core_accounts=24_000, exchanges=10**6,
        harvest_exchanges=10**6, first_seen="2026-06-15T00:00:00Z", last_seen="2026-06-16T23:00:00Z", q_value=1e-9,
        confidence=0.9, families=(), tactics=(), alternatives=(), models={}, channels={}, capabilities={}, templates=(),
        impact=Impact(input_tokens=0, output_tokens=0, reasoning_tokens=0),
        charts=Charts(bucket_us=3_600_000_000, bucket_start_us=0, volume_campaign=(), volume_other=(), raster_us=(),
                      raster_account=(), graph_nodes=(), graph_edges=()),
    )  # fmt: skip
    start, end = (int(t.timestamp() * 1e6) for t in (FIRST, LAST))
    values = (f"{1 + n // 65536}.{n // 256 % 256}.{n % 256}.0/24" for n in range(number))
    prints = tuple(Fingerprint("network", v, 5, 0, 10, start, end) for v in values)
    return Shareable((campaign,), {"c": prints}, Span(FIRST, LAST))


def least(repeat: int, work: Callable[[], T]) -> tuple[float, T]:
    """CPU seconds, and what came out."""
    best = float("inf")
    for _ in range(repeat):
        began = time.process_time()
        out = work()
        best = min(best, time.process_time() - began)
    return best, out


def with_stix2(indicators: list[dict[str, object]]) -> str:
    """The same indicators as objects of the library, in a bundle, as JSON."""
    import stix2

    made = [stix2.Indicator(**{k: v for k, v in o.items() if k != "type"}) for o in indicators]
    written: str = stix2.Bundle(made).serialize()
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--indicators", type=int, default=24_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--skip-peer", action="store_true")
    given = parser.parse_args()
    shared = large(given.indicators)
    writing, data = least(given.repeat, lambda: share_stix(shared, Producer("bench", "amber", LAST)))
    reading, bundle = least(given.repeat, lambda: load_bundle(data, "bench"))
    looking, wanted = least(given.repeat, lambda: asked([bundle], FIRST, LAST))
    if wanted.indicators != given.indicators or wanted.skipped:
        raise SystemExit("not every indicator came back")
    objects = json.loads(data)["objects"]
    print(f"{given.indicators:,} indicators, {len(objects):,} objects, {len(data) / 1e6:.1f} MB\n")
    print("| step | CPU s |\n|---|---|")
    print(f"| write the bundle | {writing:.2f} |")
    print(f"| read and check it | {reading:.2f} |")
    print(f"| make conditions of its patterns | {looking:.2f} |")
    if not given.skip_peer:
        indicators = [o for o in objects if o["type"] == "indicator"]
        theirs, _ = least(1, lambda: with_stix2(indicators))
        print(f"| the indicators alone as stix2 objects | {theirs:.2f} |")
        part = f"{writing / theirs:.2f} of the time that stix2 takes for the {len(indicators):,} indicators"
        print(f"\nwriting all {len(objects):,} objects takes {part}")


if __name__ == "__main__":
    main()
