// Command crds prints the CustomResourceDefinitions that Cilium's operator would create, as one YAML stream.
package main

import (
	"embed"
	"fmt"
	"io/fs"
	"log"
	"os"

	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client/crds/v2"
	"github.com/cilium/cilium/pkg/k8s/apis/cilium.io/client/crds/v2alpha1"
)

// release is the pin of go.mod; sources is set by the build, so that a binary can say what it was made of.
const release = "1.20.2"

var sources = "unstamped"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println("cilium-crds", release, sources)
		return
	}
	for _, tree := range []embed.FS{v2.EmbedFS, v2alpha1.EmbedFS} {
		if err := fs.WalkDir(tree, ".", printer(tree)); err != nil {
			log.Fatal(err)
		}
	}
}

func printer(tree embed.FS) fs.WalkDirFunc {
	return func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := tree.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(append([]byte("---\n"), text...))
		return err
	}
}
