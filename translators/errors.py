"""The exceptions that leave this package, and nothing else.

Expected outcomes (a refused policy, a counterexample) are values; an exception means that the caller
asked for something that cannot be answered at all. The whole tree::

    TranslatorError
    ├── InputError        the input cannot be read as what it claims to be
    ├── OptionError       an option contradicts another one or has no meaning
    └── BudgetExceeded    a stated limit was reached; carries what reached it

Every error carries ``code``, ``what``, ``why`` and ``fix``; only the command line formats them.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["BudgetExceeded", "InputError", "OptionError", "TranslatorError"]


class TranslatorError(Exception):
    """What happened, why, and what to do about it; ``str()`` gives the first of the three."""

    def __init__(self, what: str, *, code: str = "", why: str = "", fix: str = "") -> None:
        """Keep the parts; ``code`` is a diagnostic code such as ``CAL-P101`` or empty."""
        super().__init__(what)
        self.what = what
        self.code = code
        self.why = why
        self.fix = fix


class InputError(TranslatorError):
    """The input cannot be read as what it claims to be."""


class OptionError(TranslatorError):
    """An option contradicts another one, or has no meaning here."""


class BudgetExceeded(TranslatorError):
    """A stated limit (``translate.limits``) was reached before the work was done."""

    def __init__(self, what: str, *, code: str, fix: str = "", fills: Mapping[str, str]) -> None:
        """``fills``: what the text of the code names."""
        super().__init__(what, code=code, fix=fix)
        self.fills = fills
