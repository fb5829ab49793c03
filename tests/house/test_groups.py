"""Tests of one group run on one worker."""

import pytest


@pytest.mark.xdist_group("one-worker")
def test_the_group_stands_in_the_name_by_which_workers_are_given_tests(
    request: pytest.FixtureRequest,
) -> None:
    is_shared = getattr(request.config.option, "loadgroup", False)
    expected = "@one-worker" if is_shared else "given_tests"
    assert request.node.nodeid.endswith(expected)
