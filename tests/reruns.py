"""Which tests are run a second time, and on what; pytest's `-raR` names each of them as RERUN.

- e2e: once more. A real browser on a busy machine misses a beat now and then; what falls twice is a defect.
- conformance: once more, on servers started anew: what the first attempt left behind is no excuse, and no help.
- faults: once more and on servers started anew, but only after an error of the harness (a process, a file or a port that was
  gone). Never after an assertion, nor after what the server said on the wire: a loss of data is not asked for twice.
- unit: never.
"""

from typing import Any

import pytest
import pytest_rerunfailures

from tests.peers.association import Lost

POLICIES: dict[str, dict[str, Any]] = {
    "e2e": {"reruns": 1},
    "conformance": {"reruns": 1},
    "faults": {"reruns": 1, "only_rerun": [OSError], "rerun_except": [AssertionError, Lost]},
}
ANEW = ("conformance", "faults")
_TIMER = pytest.StashKey[Any]()


def _folder(item: pytest.Item) -> str:
    """The folder below `tests` that the test stands in."""
    names = item.path.parts
    last = len(names) - 1 - names[::-1].index("tests") if "tests" in names else len(names)
    return "".join(names[last + 1 : last + 2])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if policy := POLICIES.get(_folder(item)):
            item.add_marker(pytest.mark.flaky(**policy))


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> None:
    """Only remembered: the limit of a test is for each attempt, and its timer is set before the first one alone."""
    item.stash[_TIMER] = settings


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if getattr(item, "execution_count", 1) < 2:
        return
    if _TIMER in item.stash:
        item.config.hook.pytest_timeout_cancel_timer(item=item)
        item.config.hook.pytest_timeout_set_timer(item=item, settings=item.stash[_TIMER])
    if _folder(item) in ANEW:
        # Fixtures of module and session are laid aside before a rerun: back with them, and to their end.
        pytest_rerunfailures._restore_suspended_finalizers(item)
        item.session._setupstate.teardown_exact(None)
