// Command cilium-engine judges flows with Cilium's own policy engine: a JSON request per line in, an answer per
// line out. It needs no root, makes no BPF call, and holds no state between requests.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
)

const maxLine = 256 << 20

// sources is the digest of the sources, written by the linker.
var sources = "unknown"

func main() {
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println(version())
		return
	}
	engine, err := newEngine(slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := serve(engine, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// version names the module whose engine this is, and the sources that were built around it.
func version() string {
	return strings.TrimSpace("cilium-engine "+upstream()) + " sources " + sources
}

// upstream gives the version of Cilium's module.
func upstream() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/cilium/cilium" {
				return module.Version
			}
		}
	}
	return ""
}

func serve(engine *Engine, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<20), maxLine)
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	for lines.Scan() {
		if err := encoder.Encode(answer(engine, lines.Bytes())); err != nil {
			return err
		}
		if err := writer.Flush(); err != nil {
			return err
		}
	}
	return lines.Err()
}

// answer never fails: what is wrong with a request is part of its answer.
func answer(engine *Engine, line []byte) (result *Answer) {
	var request Request
	if err := json.Unmarshal(line, &request); err != nil {
		return &Answer{Error: err.Error()}
	}
	defer func() {
		if problem := recover(); problem != nil {
			result = &Answer{ID: request.ID, Error: fmt.Sprint(problem)}
		}
	}()
	found, err := engine.Judge(&request)
	if err != nil {
		return &Answer{ID: request.ID, Error: err.Error()}
	}
	return found
}
