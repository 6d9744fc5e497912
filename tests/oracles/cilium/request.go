package main

import "encoding/json"

// Request is one world with its policies and the flows to judge in it: one line of standard input.
type Request struct {
	ID             json.RawMessage   `json:"id,omitempty"`
	Options        Options           `json:"options"`
	Policies       []json.RawMessage `json:"policies"`
	CIDRGroups     []json.RawMessage `json:"cidrGroups"`
	Services       []Service         `json:"services"`
	Endpoints      []Endpoint        `json:"endpoints"`
	Nodes          []Node            `json:"nodes"`
	KubeAPIServers []string          `json:"kubeAPIServers"`
	Flows          []Flow            `json:"flows"`
	Constants      bool              `json:"constants"` // say the numbers and defaults of this version as well
}

// Options are the agent's; what is left out has the agent's default.
type Options struct {
	IPv4                *bool    `json:"ipv4"`
	IPv6                *bool    `json:"ipv6"`
	ClusterName         string   `json:"clusterName"`
	DefaultLocalCluster *bool    `json:"policyDefaultLocalCluster"`
	CIDRMatchMode       []string `json:"cidrMatchMode"`
	SCTP                bool     `json:"sctp"`
	ExtendedProtocols   bool     `json:"extendedProtocols"`
	HostFirewall        bool     `json:"hostFirewall"`
	NodeSelectorLabels  bool     `json:"nodeSelectorLabels"`
	NonDefaultDeny      *bool    `json:"nonDefaultDeny"`
	AllowLocalhost      string   `json:"allowLocalhost"`
	PolicyEnforcement   string   `json:"policyEnforcement"`
	Labels              []string `json:"labels"`
	Schema              string   `json:"schema"`  // off, report or enforce
	Explain             bool     `json:"explain"` // say which policies decided, and each endpoint's labels and map size
}

// Service is what toServices refers to.
type Service struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Selector  map[string]string `json:"selector"`
	Addresses []string          `json:"addresses"`
}

// Endpoint is a pod with an endpoint of its own.
type Endpoint struct {
	Namespace       string            `json:"namespace"`
	Name            string            `json:"name"`
	Labels          map[string]string `json:"labels"`
	NamespaceLabels map[string]string `json:"namespaceLabels"`
	ServiceAccount  string            `json:"serviceAccount"`
	Addresses       []string          `json:"addresses"`
	Ports           []NamedPort       `json:"ports"`
	Node            string            `json:"node"`
}

// NamedPort is a container port that has a name.
type NamedPort struct {
	Name     string `json:"name"`
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`
}

// Node is a node of the cluster; which one is local depends on the endpoint that is judged.
type Node struct {
	Name      string            `json:"name"`
	Addresses []string          `json:"addresses"`
	Labels    map[string]string `json:"labels"`
}

// Flow is the first packet of a connection. Ends are ep:NAMESPACE/NAME, ip:ADDRESS,
// node:NAME or node:NAME@ADDRESS, entity:NAME, or mesh:CLUSTER/NAMESPACE/NAME, the twin of a pod in another cluster;
// port is the ICMP type for ICMP and ICMPv6.
type Flow struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Proto uint8  `json:"proto"`
	Port  uint16 `json:"port"`
}

// Answer is one line of standard output.
type Answer struct {
	ID       json.RawMessage `json:"id,omitempty"`
	Error    string          `json:"error,omitempty"`
	Policies []PolicyAnswer  `json:"policies"`
	Flows    []FlowAnswer    `json:"flows"`
	MapSizes map[string]int  `json:"mapSizes,omitempty"`

	Constants map[string]any `json:"constants,omitempty"`

	// Identities are the labels of each judged endpoint, for explain.
	Identities map[string][]string `json:"identities,omitempty"`
}

// PolicyAnswer says whether the parser and the schema take an object.
type PolicyAnswer struct {
	Valid       bool   `json:"valid"`
	Error       string `json:"error,omitempty"`
	SchemaValid *bool  `json:"schemaValid,omitempty"`
	SchemaError string `json:"schemaError,omitempty"`

	// Warnings are what the parser writes into the agent's log.
	Warnings []string `json:"warnings,omitempty"`
}

// FlowAnswer holds allowed, denied, or none where the end is no endpoint; whether an allowed flow goes through a
// proxy; and for explain the names of the policies that decided and their texts for the log.
type FlowAnswer struct {
	Ingress   string   `json:"ingress"`
	Egress    string   `json:"egress"`
	IngressL7 bool     `json:"ingressL7,omitempty"`
	EgressL7  bool     `json:"egressL7,omitempty"`
	IngressBy []string `json:"ingressBy,omitempty"`
	EgressBy  []string `json:"egressBy,omitempty"`

	IngressLog []string `json:"ingressLog,omitempty"`
	EgressLog  []string `json:"egressLog,omitempty"`
}
