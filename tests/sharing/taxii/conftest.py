from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sharing.taxii.exchange import Exchange, exchange


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Exchange]:
    with exchange(tmp_path) as found:
        yield found
