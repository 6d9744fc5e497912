"""What Cilium's policy engine does with a flow, read from the Cilium and Kubernetes objects themselves.

The corner rules are those of the engine at v1.20.2 (``cilium.md`` §2–§6); nothing here knows of the compiler.
"""

from translators.semantics.cilium.model import CiliumPolicies
from translators.semantics.cilium.point import PointEvaluator

__all__ = ["CiliumPolicies", "PointEvaluator"]
