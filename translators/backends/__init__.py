"""From regions to CiliumNetworkPolicies, CiliumClusterwideNetworkPolicies and CiliumCIDRGroups; the emission rules."""

__all__: list[str] = []
