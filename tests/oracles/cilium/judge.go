package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2/validator"
	"github.com/cilium/cilium/pkg/labelsfilter"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/u8proto"
)

const (
	allowed = "allowed"
	denied  = "denied"
	none    = "none"
)

// redirects stands for every proxy: what matters here is that a flow goes through one, not through which.
var redirects = map[string]uint16{policy.FallbackRedirectID: 1}

// Engine judges requests one after the other: the agent's options are global.
type Engine struct {
	logger    *slog.Logger
	validator *validator.NPValidator
}

func newEngine(logger *slog.Logger) (*Engine, error) {
	found, err := validator.NewNPValidator(logger)
	return &Engine{logger, found}, err
}

// Judge answers one request.
func (e *Engine) Judge(request *Request) (*Answer, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := configure(e.logger, &request.Options); err != nil {
		return nil, err
	}
	reader := &policyReader{e.validator, request.Services, clusterName(&request.Options), request.Options.Schema}
	answer := &Answer{ID: request.ID, Policies: []PolicyAnswer{}, Flows: make([]FlowAnswer, len(request.Flows))}
	if request.Constants {
		answer.Constants = constants()
	}
	var objects []*parsed
	for _, raw := range request.Policies {
		object, said := reader.read(raw)
		answer.Policies = append(answer.Policies, said)
		if object != nil {
			objects = append(objects, object)
		}
	}
	if request.Options.Explain {
		answer.MapSizes, answer.Identities = map[string]int{}, map[string][]string{}
	}
	for _, node := range judgedNodes(request) {
		if err := e.judgeNode(ctx, request, node, objects, answer); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

func configure(logger *slog.Logger, options *Options) error {
	option.Config.EnableIPv4 = options.IPv4 == nil || *options.IPv4
	option.Config.EnableIPv6 = options.IPv6 == nil || *options.IPv6
	option.Config.ClusterName = options.cluster()
	option.Config.PolicyCIDRMatchMode = options.CIDRMatchMode
	option.Config.EnableSCTP = options.SCTP
	option.Config.EnableExtendedIPProtocols = options.ExtendedProtocols
	option.Config.EnableHostFirewall = options.HostFirewall
	option.Config.EnableNodeSelectorLabels = options.NodeSelectorLabels
	option.Config.EnableNonDefaultDenyPolicies = options.NonDefaultDeny == nil || *options.NonDefaultDeny
	option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostAlways
	if options.AllowLocalhost == option.AllowLocalhostPolicy {
		option.Config.UnsafeDaemonConfigOption.AllowLocalhost = option.AllowLocalhostPolicy
	}
	mode := options.PolicyEnforcement
	if mode == "" {
		mode = option.DefaultEnforcement
	}
	policy.SetPolicyEnabled(mode)
	api.InitEntities(options.cluster())
	return labelsfilter.ParseLabelPrefixCfg(logger, options.Labels, nil, "")
}

// judgedNodes gives every node whose agent polices an end of some flow.
func judgedNodes(request *Request) []string {
	seen, found := map[string]bool{}, []string{}
	for _, endpoint := range request.Endpoints {
		if !seen[endpoint.Node] {
			seen[endpoint.Node] = true
			found = append(found, endpoint.Node)
		}
	}
	if request.Options.HostFirewall {
		for _, node := range request.Nodes {
			if !seen[node.Name] {
				seen[node.Name] = true
				found = append(found, node.Name)
			}
		}
	}
	return found
}

// judgeNode fills in the directions that this node's agent decides.
func (e *Engine) judgeNode(ctx context.Context, request *Request, node string, objects []*parsed, answer *Answer) error {
	agent, err := newAgent(ctx, e.logger, request, node, objects)
	if err != nil {
		return err
	}
	defer func() { _ = agent.cache.Shutdown() }()
	for _, flow := range request.Flows {
		for _, end := range []string{flow.From, flow.To} {
			if _, err := agent.peer(ctx, end); err != nil {
				return err
			}
		}
	}
	agent.announce()
	for _, object := range objects {
		agent.repository.ReplaceByResource(object.entries, object.resource)
	}
	judge := &judge{logger: e.logger, agent: agent, distilled: map[string]*policy.EndpointPolicy{}}
	defer judge.close()
	for i, flow := range request.Flows {
		from, err := agent.peer(ctx, flow.From)
		if err != nil {
			return err
		}
		to, err := agent.peer(ctx, flow.To)
		if err != nil {
			return err
		}
		if err := judge.flow(&answer.Flows[i], &flow, from, to); err != nil {
			return err
		}
	}
	if request.Options.Explain {
		for end, found := range judge.distilled {
			answer.MapSizes[end] = found.Len()
			if own, err := agent.peer(ctx, end); err == nil {
				answer.Identities[end] = own.LabelArray.GetModel()
			}
		}
	}
	return nil
}

// judge holds the policy maps of one node's endpoints.
type judge struct {
	logger    *slog.Logger
	agent     *agent
	distilled map[string]*policy.EndpointPolicy
	attached  []policy.SelectorPolicy
}

func (j *judge) flow(answer *FlowAnswer, flow *Flow, from, to *identity.Identity) error {
	if answer.Egress == "" {
		answer.Egress, answer.Ingress = none, none
	}
	if end, own := j.own(flow.From); own {
		said, err := j.verdict(end, from, policy.EgressKey().WithIdentity(to.ID), flow)
		if err != nil {
			return err
		}
		answer.Egress, answer.EgressL7, answer.EgressBy = said.verdict, said.l7, said.by
		answer.EgressLog = said.log
	}
	if end, own := j.own(flow.To); own {
		said, err := j.verdict(end, to, policy.IngressKey().WithIdentity(from.ID), flow)
		if err != nil {
			return err
		}
		answer.Ingress, answer.IngressL7, answer.IngressBy = said.verdict, said.l7, said.by
		answer.IngressLog = said.log
	}
	return nil
}

// said is what one endpoint's policy map holds for a flow.
type said struct {
	verdict string
	l7      bool
	by      []string
	log     []string
}

// ownEntities are endpoints of every node that have no pod: each agent polices its own, all in the same way.
var ownEntities = map[string]bool{"health": true, "ingress": true, "init": true}

// own gives the name of an endpoint of this node, the node itself among them where its firewall is on.
func (j *judge) own(end string) (string, bool) {
	for _, endpoint := range j.agent.request.Endpoints {
		name := "ep:" + endpoint.Namespace + "/" + endpoint.Name
		if endpoint.Node == j.agent.node && (end == name || j.isAddressOf(end, name)) {
			return name, true
		}
	}
	if kind, name, _ := strings.Cut(end, ":"); kind == "entity" && ownEntities[name] {
		return end, true
	}
	host := "node:" + j.agent.node
	own, _, _ := strings.Cut(end, "@")
	firewall := j.agent.request.Options.HostFirewall && (own == host || j.isAddressOf(end, host))
	return host, firewall
}

func (j *judge) isAddressOf(end, name string) bool {
	kind, text, _ := strings.Cut(end, ":")
	if kind != "ip" {
		return false
	}
	for address, owner := range j.agent.byAddress {
		if owner == name && address.String() == text {
			return true
		}
	}
	return false
}

func (j *judge) verdict(end string, own *identity.Identity, key types.Key, flow *Flow) (said, error) {
	found := j.distilled[end]
	if found == nil {
		selector, _, err := j.agent.repository.ComputeSelectorPolicy(own)
		if err != nil {
			return said{}, fmt.Errorf("%s: %w", end, err)
		}
		found = selector.DistillPolicy(j.logger, &owner{j.agent.request, end}, redirects)
		if err := found.Ready(); err != nil {
			return said{}, fmt.Errorf("%s: %w", end, err)
		}
		j.distilled[end] = found
		j.attached = append(j.attached, selector)
	}
	entry, rules, _ := found.Lookup(key.WithPortProtoPrefix(u8proto.U8proto(flow.Proto), flow.Port, 16))
	answer := said{verdict: allowed, l7: entry.IsRedirectEntry()}
	if entry.IsDeny() {
		answer.verdict = denied
	}
	if j.agent.request.Options.Explain {
		for _, labels := range rules.LabelArray() {
			answer.by = append(answer.by, labels.Get("k8s.io.cilium.k8s.policy.name"))
		}
		for _, text := range rules.Log() {
			if text != "" {
				answer.log = append(answer.log, text)
			}
		}
	}
	return answer, nil
}

func (j *judge) close() {
	for _, found := range j.distilled {
		found.Detach(j.logger)
	}
	for _, selector := range j.attached {
		selector.Supersede()
	}
}

// owner is the endpoint whose policy is computed.
type owner struct {
	request *Request
	end     string
}

func (o *owner) GetID() uint64                               { return 1 }
func (o *owner) IsHost() bool                                { return strings.HasPrefix(o.end, "node:") }
func (o *owner) PolicyDebug(string, ...any)                  {}
func (o *owner) PreviousMapStateSizes() policy.MapStateSizes { return policy.MapStateSizes{} }
func (o *owner) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}

// GetIngressNamedPort gives the endpoint's own port of that name, 0 if it has none.
func (o *owner) GetIngressNamedPort(name string, proto u8proto.U8proto) uint16 {
	for _, endpoint := range o.request.Endpoints {
		if "ep:"+endpoint.Namespace+"/"+endpoint.Name != o.end {
			continue
		}
		for _, port := range endpoint.Ports {
			if number, err := u8proto.ParseProtocol(port.Protocol); err == nil && port.Name == name && number == proto {
				return uint16(port.Port)
			}
		}
	}
	return 0
}
