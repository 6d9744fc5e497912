"""When an adapter asks again: three named policies and no other; every one ends (``libraries.md`` §7).

What may be asked again is decided here and in nobody's ``except``; sleeping goes through the clock that is handed in.
"""

from __future__ import annotations

from collections.abc import Callable

import tenacity

from migrate.model.events import FailureClass
from migrate.ports import ApiError

__all__ = ["API_ATTEMPTS", "API_TOTAL_S", "api_policy", "eventual_policy"]

API_ATTEMPTS, API_TOTAL_S, API_LONGEST_S = 5, 60.0, 10.0
PERMANENT_TEXTS = ("failed calling webhook", "more than one PodDisruptionBudget")


def _again(error: BaseException) -> bool:
    """Say whether an API call may be repeated: no answer, 429 without a cause, or a server's passing trouble."""
    if not isinstance(error, ApiError) or error.failure is not FailureClass.TRANSIENT:
        return False
    return not any(text in str(error) for text in PERMANENT_TEXTS)


class _AsTold(tenacity.wait.wait_base):
    """Wait as the server asked, else longer each time with a little chance in it."""

    def __init__(self) -> None:
        self._usual = tenacity.wait_exponential_jitter(multiplier=0.2, max=API_LONGEST_S, jitter=0.2)

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome is not None else None
        told = error.retry_after_s if isinstance(error, ApiError) else 0
        return told or self._usual(retry_state)


def api_policy(sleep: Callable[[float], None]) -> tenacity.Retrying:
    """Give the policy of one API call: five attempts, sixty seconds in all; the last error is raised as it was."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(_again),
        wait=_AsTold(),
        stop=tenacity.stop_after_attempt(API_ATTEMPTS) | tenacity.stop_before_delay(API_TOTAL_S),
        sleep=sleep,
        reraise=True,
    )


def eventual_policy(sleep: Callable[[float], None], deadline_s: float) -> tenacity.Retrying:
    """Give the policy for "not yet": asked again every one to five seconds until the deadline; None means not yet."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda result: result is None),
        wait=tenacity.wait_random(1, 5),
        stop=tenacity.stop_before_delay(deadline_s),
        sleep=sleep,
        retry_error_callback=lambda _: None,
    )
