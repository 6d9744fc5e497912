package main

import (
	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	"github.com/cilium/cilium/pkg/defaults"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/policy/types"
)

// constants are numbers and defaults of this version that statements about it name.
func constants() map[string]any {
	class := func(deny, redirect bool, listener types.ListenerPriority) uint32 {
		return uint32(types.Priority(0).ToPrecedenceWithListenerPriority(deny, redirect, listener)) & 255
	}
	return map[string]any{
		"version":                           upstream(),
		"identity host":                     uint32(identity.ReservedIdentityHost),
		"identity world":                    uint32(identity.ReservedIdentityWorld),
		"identity unmanaged":                uint32(identity.ReservedIdentityUnmanaged),
		"identity remote-node":              uint32(identity.ReservedIdentityRemoteNode),
		"tier Admin":                        uint32(types.Admin),
		"tier Normal":                       uint32(types.Normal),
		"tier Baseline":                     uint32(types.Baseline),
		"tier Default":                      uint32(types.DefaultPolicy),
		"class deny":                        class(true, false, 0),
		"class redirect, first":             class(false, true, 1),
		"class redirect, last":              class(false, true, 0),
		"class allow":                       class(false, false, 0),
		"bits of the priority":              priorityBits(),
		"policy-default-local-cluster":      cmtypes.DefaultPolicyConfig.PolicyDefaultLocalCluster,
		"enable-non-default-deny-policies":  defaults.EnableNonDefaultDenyPolicies,
		"enable-k8s-cluster-network-policy": defaults.EnableK8sClusterNetworkPolicy,
	}
}

// priorityBits counts the bits of a priority that stand above the class in a precedence.
func priorityBits() (bits int) {
	for rest := uint32(types.LowestPriority); rest > 0; rest >>= 1 {
		bits++
	}
	return bits
}
