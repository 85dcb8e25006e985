"""An executor of each kind, and a ledger."""

import pytest

from glotsmith.execution import EXECUTORS
from glotsmith.ledger import Ledger


@pytest.fixture(params=sorted(EXECUTORS))
def kind(request):
    return request.param


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.close()
