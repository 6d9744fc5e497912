"""Everything that could stop a migration, one rule a file, judged over a snapshot and a draft; no I/O.

A rule reports all its findings and hides no other rule's; what it could not read makes it *unknown*, never silent.
"""

from migrate.preflight.judge import Judgement, Verdict, judge
from migrate.preflight.rule import Case, Hit, Rule, Unread

__all__ = ["Case", "Hit", "Judgement", "Rule", "Unread", "Verdict", "judge"]
