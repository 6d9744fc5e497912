"""From selectors, networks and ports to cubes: what one rule of Calico matches, as a region of the space.

Only meaning, no order: nothing here knows of tiers, of other rules, or of what Cilium can say.
"""

__all__: list[str] = []
