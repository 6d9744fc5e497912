"""What Calico's data plane does with a flow, read from the Calico and Kubernetes objects themselves.

Nothing here knows of the compiler; the verdicts are held against Calico's own (``tests/oracles``).
"""

from translators.semantics.calico.model import CalicoPolicies
from translators.semantics.calico.point import judge

__all__ = ["CalicoPolicies", "judge"]
