// Command cilium prints the settings that an agent of one node would start with, as Cilium's own resolver merges them
// from the ConfigMap cilium-config and the CiliumNodeConfigs of a namespace: one JSON object on standard output.
//
// It is the oracle for the node agent of the tests, which merges by code of its own.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/cilium/hive/cell"
	"github.com/spf13/pflag"

	"github.com/cilium/cilium/pkg/hive"
	"github.com/cilium/cilium/pkg/k8s/client"
	"github.com/cilium/cilium/pkg/option/resolver"
)

// release is the pin of go.mod; sources is set by the build, so that a binary can say what it was made of.
const release = "1.20.2"

var sources = "unstamped"

func main() {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("cilium-resolver", release, sources)
		return
	}
	if len(os.Args) != 4 {
		log.Fatal("usage: cilium-resolver KUBECONFIG NAMESPACE NODE")
	}
	kubeconfig, namespace, node := os.Args[1], os.Args[2], os.Args[3]
	quiet := slog.New(slog.DiscardHandler)
	app := hive.New(client.Cell, cell.Invoke(func(lifecycle cell.Lifecycle, clients client.Clientset, stop hive.Shutdowner) {
		lifecycle.Append(cell.Hook{OnStart: func(ctx cell.HookContext) error {
			defer stop.Shutdown()
			return printSettings(ctx, quiet, clients, namespace, node)
		}})
	}))
	flags := pflag.NewFlagSet("cilium-resolver", pflag.ExitOnError)
	app.RegisterFlags(flags)
	if err := flags.Parse([]string{"--k8s-kubeconfig-path=" + kubeconfig}); err != nil {
		log.Fatal(err)
	}
	if err := app.Run(quiet); err != nil {
		log.Fatal(err)
	}
}

func printSettings(ctx context.Context, logger *slog.Logger, clients client.Clientset, namespace, node string) error {
	settings, err := resolver.ResolveConfigurations(ctx, logger, clients, node, []resolver.ConfigSource{
		{Kind: resolver.KindConfigMap, Namespace: namespace, Name: "cilium-config"},
		{Kind: resolver.KindNodeConfig, Namespace: namespace},
	}, nil, nil)
	if err != nil {
		return err
	}
	delete(settings, resolver.ConfigSources)
	delete(settings, resolver.ConfigSourcesOverrides)
	return json.NewEncoder(os.Stdout).Encode(settings)
}
