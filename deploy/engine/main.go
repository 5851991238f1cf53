// Command engine brings the embedded ClickHouse engine to this machine: one shared library out of an npm package, pinned
// by its integrity hash, kept in the user's cache. Readtrail itself never downloads anything.
//
//	go run ./deploy/engine            bring it, or say that it is there
//	go run ./deploy/engine -verify    also read the whole library again and compare its hash
//	go run ./deploy/engine -print     only print where it is
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "engine:", err)
		stop()
		os.Exit(1) // stop has run
	}
}

// dirVariable names another place for the library than the user's cache; the product looks there too.
const dirVariable = "READTRAIL_ENGINE_DIR"

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("engine", flag.ContinueOnError)
	flags.SetOutput(stderr)
	verify := flags.Bool("verify", false, "read the whole library and compare its hash")
	show := flags.Bool("print", false, "print the path of the library and do nothing else")
	from := flags.String("from", "", "take the package from this .tgz file instead of npm (for machines without a network)")
	goos := flags.String("os", runtime.GOOS, "operating system the library is for")
	arch := flags.String("arch", runtime.GOARCH, "processor the library is for")
	dir := flags.String("dir", "", "directory for the library (default: "+dirVariable+", else the user's cache)")
	integrity := flags.String("integrity", "", "sha512-... hash to trust for a platform that has none pinned here")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	target, err := directory(*dir)
	if err != nil {
		return err
	}
	library := filepath.Join(target, libraryFile)
	if *show {
		_, err := fmt.Fprintln(stdout, library)
		return err
	}
	pkg, err := choose(*goos, *arch, *integrity)
	if err != nil {
		return err
	}
	f := &fetcher{pkg: pkg, dir: target, from: *from, say: newSay(stderr)}
	return f.bring(ctx, *verify)
}

// directory is where the library goes, in the order the product searches.
func directory(explicit string) (string, error) {
	if explicit != "" {
		return filepath.Abs(explicit)
	}
	if dir := os.Getenv(dirVariable); dir != "" {
		return filepath.Abs(dir)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache directory: %w; name one in %s", err, dirVariable)
	}
	return filepath.Join(cache, "readtrail", "engine", version), nil
}
