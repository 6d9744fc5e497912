package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"

	cmtypes "github.com/cilium/cilium/pkg/clustermesh/types"
	ipcachetypes "github.com/cilium/cilium/pkg/ipcache/types"
	"github.com/cilium/cilium/pkg/k8s"
	k8sConst "github.com/cilium/cilium/pkg/k8s/apis/cilium.io"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	"github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2/validator"
	slim_networkingv1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	slim_metav1 "github.com/cilium/cilium/pkg/k8s/slim/k8s/apis/meta/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	policyutils "github.com/cilium/cilium/pkg/policy/utils"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	policyv1alpha2 "sigs.k8s.io/network-policy-api/apis/v1alpha2"
)

// parsed is what the agent takes in of one object.
type parsed struct {
	resource ipcachetypes.ResourceID
	entries  types.PolicyEntries
}

// policyReader turns objects into policy entries as the agent's watchers do.
type policyReader struct {
	validator *validator.NPValidator
	services  []Service
	cluster   string
	schema    string
}

func (r *policyReader) read(raw json.RawMessage) (*parsed, PolicyAnswer) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Metadata   struct {
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, PolicyAnswer{Error: err.Error()}
	}
	answer := PolicyAnswer{Valid: true}
	if r.schema == "report" || r.schema == "enforce" {
		r.checkSchema(raw, head.Kind, &answer)
	}
	said := &warnings{}
	entries, err := r.entries(slog.New(said), raw, head.Kind)
	answer.Warnings = said.texts
	if err != nil {
		answer.Valid, answer.Error = false, err.Error()
		return nil, answer
	}
	if r.schema == "enforce" && answer.SchemaValid != nil && !*answer.SchemaValid {
		return nil, answer
	}
	kind := ipcachetypes.ResourceKind(head.Kind)
	return &parsed{ipcachetypes.NewResourceID(kind, head.Metadata.Namespace, head.Metadata.Name), entries}, answer
}

// warnings keeps what the parser warns of.
type warnings struct {
	texts []string
}

func (w *warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (w *warnings) WithAttrs([]slog.Attr) slog.Handler               { return w }
func (w *warnings) WithGroup(string) slog.Handler                    { return w }
func (w *warnings) Handle(_ context.Context, record slog.Record) error {
	w.texts = append(w.texts, record.Message)
	return nil
}

func (r *policyReader) checkSchema(raw json.RawMessage, kind string, answer *PolicyAnswer) {
	var object unstructured.Unstructured
	err := json.Unmarshal(raw, &object.Object)
	switch {
	case err != nil:
	case kind == "CiliumNetworkPolicy":
		err = r.validator.ValidateCNP(&object)
	case kind == "CiliumClusterwideNetworkPolicy":
		err = r.validator.ValidateCCNP(&object)
	default:
		return
	}
	valid := err == nil
	answer.SchemaValid = &valid
	if err != nil {
		answer.SchemaError = err.Error()
	}
}

func (r *policyReader) entries(logger *slog.Logger, raw json.RawMessage, kind string) (types.PolicyEntries, error) {
	switch kind {
	case "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy":
		return r.cilium(logger, raw, kind)
	case "NetworkPolicy":
		var object slim_networkingv1.NetworkPolicy
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, err
		}
		return k8s.ParseNetworkPolicy(logger, r.cluster, &object)
	case "ClusterNetworkPolicy":
		var object policyv1alpha2.ClusterNetworkPolicy
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, err
		}
		return k8s.ParseClusterNetworkPolicy(logger, r.cluster, &object)
	}
	return nil, fmt.Errorf("kind %q is no policy", kind)
}

// cilium parses a CNP or CCNP; a CCNP is a CNP without a namespace to the agent, too.
func (r *policyReader) cilium(logger *slog.Logger, raw json.RawMessage, kind string) (types.PolicyEntries, error) {
	var object v2.CiliumNetworkPolicy
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	if kind == "CiliumNetworkPolicy" && object.Namespace == "" {
		object.Namespace = "default"
	}
	if kind == "CiliumClusterwideNetworkPolicy" {
		object.Namespace = ""
	}
	for _, service := range r.services {
		service.resolve(object.Spec)
		for _, spec := range object.Specs {
			service.resolve(spec)
		}
	}
	rules, err := object.Parse(logger, r.cluster)
	if err != nil {
		return nil, err
	}
	return policyutils.RulesToPolicyEntries(rules), nil
}

// resolve writes the service's backends into the rules that refer to it, as pkg/policy/k8s/service.go does.
func (s *Service) resolve(rule *api.Rule) {
	if rule == nil {
		return
	}
	for i := range rule.Egress {
		for _, wanted := range rule.Egress[i].ToServices {
			ref := wanted.K8sService
			if ref == nil || ref.ServiceName != s.Name || (ref.Namespace != "" && ref.Namespace != s.Namespace) {
				continue
			}
			if len(s.Selector) > 0 {
				rule.Egress[i].ToEndpoints = append(rule.Egress[i].ToEndpoints, s.endpoints())
			}
			for _, address := range s.Addresses {
				if len(s.Selector) == 0 {
					rule.Egress[i].ToCIDRSet = append(rule.Egress[i].ToCIDRSet, generated(address))
				}
			}
		}
	}
}

func (s *Service) endpoints() api.EndpointSelector {
	wanted := maps.Clone(s.Selector)
	wanted[k8sConst.PodNamespaceLabel] = s.Namespace
	selector := &slim_metav1.LabelSelector{MatchLabels: wanted}
	found := api.NewESFromK8sLabelSelector(labels.LabelSourceK8sKeyPrefix, selector)
	found.Generated = true
	return found
}

func generated(address string) api.CIDRRule {
	parsed := netip.MustParseAddr(address)
	return api.CIDRRule{Cidr: api.CIDR(netip.PrefixFrom(parsed, parsed.BitLen()).String()), Generated: true}
}

// clusterName is what an omitted cluster means in a selector.
func clusterName(options *Options) string {
	if options.DefaultLocalCluster != nil && !*options.DefaultLocalCluster {
		return cmtypes.PolicyAnyCluster
	}
	return options.cluster()
}

func (o *Options) cluster() string {
	if o.ClusterName == "" {
		return "default"
	}
	return o.ClusterName
}
