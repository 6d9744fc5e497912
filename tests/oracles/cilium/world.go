package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"

	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/ipcache"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/k8s/synced"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/source"
	testidentity "github.com/cilium/cilium/pkg/testutils/identity"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	ciliumTypes "github.com/cilium/cilium/pkg/types"
)

// reserved are the peers that have an identity and no address.
var reserved = map[string]identity.NumericIdentity{
	"health":      identity.ReservedIdentityHealth,
	"ingress":     identity.ReservedIdentityIngress,
	"init":        identity.ReservedIdentityInit,
	"unmanaged":   identity.ReservedIdentityUnmanaged,
	"world":       identity.ReservedIdentityWorld,
	"host":        identity.ReservedIdentityHost,
	"remote-node": identity.ReservedIdentityRemoteNode,
}

// agent is one node's view of the world: its repository, its identities, its metadata of addresses.
type agent struct {
	node       string
	request    *Request
	repository *policy.Repository
	allocator  *testidentity.MockIdentityAllocator
	cache      *ipcache.IPCache
	known      map[string]*identity.Identity
	byAddress  map[netip.Addr]string
	clusters   []string // the others of the mesh, numbered from 1; the own one is 0
}

// updates hands identities on to both selector caches, as the agent's identity updater does.
type updates struct{}

func (updates) UpdateIdentities(_, _ identity.IdentityMap) <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}

func newAgent(ctx context.Context, logger *slog.Logger, request *Request, node string, objects []*parsed) (*agent, error) {
	host := identity.AddReservedIdentityWithLabels(identity.ReservedIdentityHost, labels.NewFrom(labels.LabelHost))
	initial := identity.ListReservedIdentities()
	initial[host.ID] = host.LabelArray
	allocator := testidentity.NewMockIdentityAllocator(nil)
	repository := policy.NewPolicyRepository(logger, initial, nil, envoypolicy.NewEnvoyL7RulesTranslator(logger, nil),
		identitymanager.NewIDManager(logger), testpolicy.NewPolicyMetricsNoop())
	cache := ipcache.NewIPCache(&ipcache.Configuration{
		Context: ctx, Logger: logger, IdentityAllocator: allocator, IdentityUpdater: updates{},
		// Never synchronised: identities are resolved here, in order, and not by a controller beside.
		CacheStatus: make(synced.CacheStatus),
	})
	repository.SetNamedPortsGetter(cache)
	found := &agent{
		node: node, request: request, repository: repository, allocator: allocator, cache: cache,
		known: map[string]*identity.Identity{}, byAddress: map[netip.Addr]string{},
	}
	found.index()
	if err := found.describeAddresses(objects); err != nil {
		return nil, err
	}
	return found, found.meetEndpoints(ctx)
}

func (a *agent) index() {
	for _, endpoint := range a.request.Endpoints {
		for _, address := range endpoint.Addresses {
			a.byAddress[netip.MustParseAddr(address)] = "ep:" + endpoint.Namespace + "/" + endpoint.Name
		}
	}
	for _, node := range a.request.Nodes {
		for _, address := range node.Addresses {
			a.byAddress[netip.MustParseAddr(address)] = "node:" + node.Name
		}
	}
}

// describeAddresses tells the address cache of every prefix that policies and groups name.
func (a *agent) describeAddresses(objects []*parsed) error {
	var updates []ipcache.MU
	for _, object := range objects {
		for _, prefix := range policy.GetCIDRPrefixes(object.entries) {
			update := metadata(prefix, object.resource, labels.GetCIDRLabels(prefix))
			update.IsCIDR = true
			updates = append(updates, update)
		}
	}
	for _, raw := range a.request.CIDRGroups {
		var group v2.CiliumCIDRGroup
		if err := json.Unmarshal(raw, &group); err != nil {
			return err
		}
		resource := ipcachetypes.NewResourceID(ipcachetypes.ResourceKindCIDRGroup, "", group.Name)
		for _, text := range group.Spec.ExternalCIDRs {
			prefix, err := netip.ParsePrefix(string(text))
			if err != nil {
				return err
			}
			found := groupLabels(&group)
			found.AddWorldLabel(prefix.Addr())
			updates = append(updates, metadata(prefix, resource, found))
		}
	}
	a.cache.UpsertMetadataBatch(updates...)
	return nil
}

// groupLabels are those of pkg/policy/k8s/cilium_cidr_group.go.
func groupLabels(group *v2.CiliumCIDRGroup) labels.Labels {
	found := labels.Labels{}
	for key, value := range group.Labels {
		plain := labels.NewLabel(key, value, labels.LabelSourceCIDRGroup)
		found[plain.Key] = plain
		encoded := labels.EncodedCIDRGroupLabel(plain.Key, plain.Value, plain.Source)
		found[encoded.Key] = encoded
	}
	named := api.LabelForCIDRGroupRef(group.Name)
	found[named.Key] = named
	return found
}

func metadata(prefix netip.Prefix, resource ipcachetypes.ResourceID, info labels.Labels) ipcache.MU {
	return ipcache.MU{
		Prefix:   cmtypes.NewLocalPrefixCluster(prefix),
		Source:   source.Generated,
		Resource: resource,
		Metadata: []ipcache.IPMetadata{info},
	}
}

// meetEndpoints gives every pod its identity, and its named ports to the address cache.
func (a *agent) meetEndpoints(ctx context.Context) error {
	for i := range a.request.Endpoints {
		endpoint := &a.request.Endpoints[i]
		ports := ciliumTypes.NamedPortMap{}
		for _, port := range endpoint.Ports {
			if err := ports.AddPort(port.Name, port.Port, port.Protocol); err != nil {
				return err
			}
		}
		found, _, err := a.allocator.AllocateIdentity(ctx, a.podLabels(endpoint, ports), false, 0)
		if err != nil {
			return err
		}
		name := endpoint.Namespace + "/" + endpoint.Name
		a.known["ep:"+name] = found
		meta := &ipcache.K8sMetadata{Namespace: endpoint.Namespace, PodName: endpoint.Name, NamedPorts: ports}
		for _, address := range endpoint.Addresses {
			id := ipcache.Identity{ID: found.ID, Source: source.CustomResource}
			if _, err := a.cache.Upsert(address, nil, 0, meta, id); err != nil {
				return err
			}
		}
		if len(endpoint.Addresses) == 0 {
			return fmt.Errorf("endpoint %s has no address", name)
		}
	}
	return nil
}

func (a *agent) podLabels(endpoint *Endpoint, ports ciliumTypes.NamedPortMap) labels.Labels {
	written := map[string]string{}
	for key, value := range endpoint.Labels {
		written[key] = value
	}
	for key, value := range endpoint.NamespaceLabels {
		written[k8sConst.PodNamespaceMetaLabels+"."+key] = value
	}
	written[k8sConst.PodNamespaceLabel] = endpoint.Namespace
	written[k8sConst.PolicyLabelServiceAccount] = endpoint.ServiceAccount
	written[k8sConst.PolicyLabelCluster] = a.request.Options.cluster()
	found, _ := labelsfilter.Filter(labels.Map2Labels(written, labels.LabelSourceK8s))
	for _, label := range k8s.NamedPortsIdentityLabels(ports) {
		found[label.Key] = label
	}
	if option.Config.PolicyCIDRMatchesPods() {
		a.addNetworks(found, endpoint.Addresses)
	}
	return found
}

// addNetworks does what Endpoint.computeCIDRLabelsRLocked does in match mode pods.
func (a *agent) addNetworks(found labels.Labels, addresses []string) {
	for _, text := range addresses {
		address, hasNetwork := netip.MustParseAddr(text), false
		for _, label := range a.cache.GetMetadataLabels(address) {
			if label.Source == labels.LabelSourceCIDR || label.Source == labels.LabelSourceCIDRGroup {
				found[label.GetExtendedKey()] = label
				hasNetwork = hasNetwork || label.Source == labels.LabelSourceCIDR
			}
		}
		if !hasNetwork {
			everything := map[bool]string{true: "cidr:0.0.0.0/0", false: "cidr:::/0"}[address.Is4()]
			label := labels.ParseLabel(everything)
			found[label.GetExtendedKey()] = label
		}
	}
}

// peer gives the identity of one end as this agent sees it.
func (a *agent) peer(ctx context.Context, end string) (*identity.Identity, error) {
	if found := a.known[end]; found != nil {
		return found, nil
	}
	kind, name, _ := strings.Cut(end, ":")
	var found *identity.Identity
	var err error
	switch kind {
	case "ip":
		address := netip.MustParseAddr(name)
		if owner, owned := a.byAddress[address]; owned {
			return a.peer(ctx, owner)
		}
		found, err = a.outside(ctx, address)
	case "node":
		name, address, _ := strings.Cut(name, "@")
		found, err = a.nodeIdentity(ctx, name, address)
	case "mesh":
		found, err = a.elsewhere(name)
	case "entity":
		found = identity.LookupReservedIdentity(reserved[name])
	}
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, fmt.Errorf("no peer %q", end)
	}
	a.known[end] = found
	return found, nil
}

// elsewhere gives the identity of a pod's twin in another cluster of a mesh.
func (a *agent) elsewhere(name string) (*identity.Identity, error) {
	cluster, pod, _ := strings.Cut(name, "/")
	twin := a.known["ep:"+pod]
	if twin == nil {
		return nil, fmt.Errorf("no pod %q to have a twin", pod)
	}
	found := labels.Labels{}
	found.MergeLabels(twin.Labels)
	found.MergeLabels(labels.Map2Labels(map[string]string{k8sConst.PolicyLabelCluster: cluster}, labels.LabelSourceK8s))
	number := slices.Index(a.clusters, cluster)
	if number < 0 {
		number = len(a.clusters)
		a.clusters = append(a.clusters, cluster)
	}
	bits := identity.NumericIdentity(number+1) << identity.GetClusterIDShift()
	return identity.NewIdentity(bits+twin.ID, found), nil
}

func (a *agent) outside(ctx context.Context, address netip.Addr) (*identity.Identity, error) {
	found := a.cache.GetMetadataLabels(address)
	found.AddWorldLabel(address)
	if a.isAPIServer(address.String()) {
		found.MergeLabels(labels.LabelKubeAPIServer)
	}
	id, _, err := a.allocator.AllocateLocalIdentity(found, false, identity.InvalidIdentity)
	return id, err
}

// nodeIdentity follows resolveLabels of pkg/ipcache/metadata.go: nodes keep networks in match mode nodes alone. Each
// address of another node has an identity of its own, those of the local host share one.
func (a *agent) nodeIdentity(ctx context.Context, name, address string) (*identity.Identity, error) {
	for _, node := range a.request.Nodes {
		if node.Name != name {
			continue
		}
		found := labels.NewFrom(labels.LabelRemoteNode)
		if name == a.node {
			found = labels.NewFrom(labels.LabelHost)
		}
		for _, text := range node.Addresses {
			if a.isAPIServer(text) {
				found.MergeLabels(labels.LabelKubeAPIServer)
			}
			if name != a.node && address != "" && text != address {
				continue
			}
			if option.Config.PolicyCIDRMatchesNodes() {
				for key, label := range a.cache.GetMetadataLabels(netip.MustParseAddr(text)) {
					if label.Source != labels.LabelSourceReserved {
						found[key] = label
					}
				}
			}
		}
		a.addNodeLabels(found, node.Labels)
		if name == a.node {
			return identity.AddReservedIdentityWithLabels(identity.ReservedIdentityHost, found), nil
		}
		id, _, err := a.allocator.AllocateLocalIdentity(found, false, identity.InvalidIdentity)
		return id, err
	}
	return nil, fmt.Errorf("no node %q", name)
}

// addNodeLabels does what nodeIdentityLabels of pkg/node/manager does where nodes are told apart by their labels.
func (a *agent) addNodeLabels(found labels.Labels, written map[string]string) {
	if !option.Config.PerNodeLabelsEnabled() {
		return
	}
	kept, _ := labelsfilter.FilterNodeLabels(labels.Map2Labels(written, labels.LabelSourceNode))
	found.MergeLabels(kept)
	cluster := map[string]string{k8sConst.PolicyLabelCluster: a.request.Options.cluster()}
	found.MergeLabels(labels.Map2Labels(cluster, labels.LabelSourceK8s))
}

func (a *agent) isAPIServer(address string) bool {
	for _, server := range a.request.KubeAPIServers {
		if server == address {
			return true
		}
	}
	return false
}

// announce tells the selector caches of every identity that was met.
func (a *agent) announce() {
	met := identity.IdentityMap{}
	for _, found := range a.known {
		met[found.ID] = found.LabelArray
	}
	wait := &sync.WaitGroup{}
	a.repository.GetSelectorCache().UpdateIdentities(met, nil, wait)
	wait.Wait()
	a.repository.UpdateIdentities(met, nil)
}
