// Command fuzz runs every fuzz target of the module for a while, one after the other, and fails at the first find.
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"
)

func main() {
	each := flag.Duration("time", 30*time.Second, "how long each target is fuzzed")
	only := flag.String("only", "", "only targets whose name holds this text")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *each, *only); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1) // stop has nothing left to do
	}
}

type target struct{ pkg, name string }

func run(ctx context.Context, each time.Duration, only string) error {
	targets, err := list(ctx)
	if err != nil {
		return err
	}
	ran := 0
	for _, t := range targets {
		if !strings.Contains(t.name, only) {
			continue
		}
		fmt.Printf("fuzz %s %s\n", t.pkg, t.name)
		cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+each.String(), t.pkg) //nolint:gosec // names that the go command listed
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s %s: %w", t.pkg, t.name, err)
		}
		ran++
	}
	if ran == 0 {
		return fmt.Errorf("no target's name holds %q", only)
	}
	fmt.Printf("fuzzed %d targets for %s each, nothing found\n", ran, each)
	return nil
}

// list asks the go command which packages have which targets: go test -list prints names, then "ok <package>".
func list(ctx context.Context) ([]target, error) {
	out, err := exec.CommandContext(ctx, "go", "test", "-list=^Fuzz", "./...").Output()
	if err != nil {
		return nil, fmt.Errorf("list fuzz targets: %w", err)
	}
	var targets []target
	var names []string
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) == 1 && strings.HasPrefix(fields[0], "Fuzz"):
			names = append(names, fields[0])
		case len(fields) >= 2 && fields[0] == "ok":
			for _, name := range names {
				targets = append(targets, target{fields[1], name})
			}
			names = nil
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list fuzz targets: %w", err)
	}
	return targets, nil
}
