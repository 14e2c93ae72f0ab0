"""Fixtures of the tests of whole pipelines."""

import pytest

from tests.pipelines.golden_metrics import GoldenMetrics


@pytest.fixture(scope="session")
def golden_metrics(request: pytest.FixtureRequest) -> GoldenMetrics:
    return GoldenMetrics(renew=request.config.getoption("--renew-golden"))
