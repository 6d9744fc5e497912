"""The proof that the emitted policies mean what the Calico policies mean, apart from the compiler.

It reads the source anew from the Calico objects (through ``semantics.calico``) and the output back from the
emitted objects; the only thing shared with the compiler is the cube type.
"""

from translators.proof.claims import Claims
from translators.proof.obligations import Obligations, Open, prove

__all__ = ["Claims", "Obligations", "Open", "prove"]
