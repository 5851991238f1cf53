package main

import "fmt"

const (
	// version is the release of the packages. projections/embedded has the same; a test compares them.
	version = "26.5.3"
	// libraryFile is the only file taken out of the package.
	libraryFile = "libchdb.so"
)

// pkg is one platform's npm package.
type pkg struct {
	name      string
	integrity string // "sha512-" and the hash in base64, as npm writes it
	bytes     int64  // size of the library, for the question of space before anything is known from npm
}

// packages are the platforms by GOOS/GOARCH. A platform without a hash exists upstream, but its package was never seen
// by those who pin here: it is brought only with -integrity, never on trust.
var packages = map[string]pkg{
	"linux/amd64": {
		name:      "@chdb/lib-linux-x64-gnu",
		integrity: "sha512-fPrLmRt5Moor9yGz4mazbrNje4t7X9KB2mTGkXFWRxRBs2iKy8yh6jx11xsa0Qr3iDFMU/yHqd+bVdYJXu3QaQ==",
		bytes:     559_044_752,
	},
	"linux/arm64":  {name: "@chdb/lib-linux-arm64-gnu", bytes: 560_000_000},
	"darwin/amd64": {name: "@chdb/lib-darwin-x64", bytes: 560_000_000},
	"darwin/arm64": {name: "@chdb/lib-darwin-arm64", bytes: 560_000_000},
}

// choose finds the package of a platform.
func choose(goos, arch, integrity string) (pkg, error) {
	p, ok := packages[goos+"/"+arch]
	if !ok {
		return pkg{}, fmt.Errorf("there is no embedded engine for %s/%s; use a ClickHouse server and put its address into the configuration", goos, arch)
	}
	if integrity != "" && p.integrity != "" && integrity != p.integrity {
		return pkg{}, fmt.Errorf("%s is pinned to another hash than the one given", p.name)
	}
	if p.integrity == "" {
		p.integrity = integrity
	}
	if p.integrity == "" {
		return pkg{}, fmt.Errorf("no hash is pinned for %s %s: compare it yourself (`npm view %s@%s dist.integrity`) and pass it with -integrity, or use a ClickHouse server",
			p.name, version, p.name, version)
	}
	return p, nil
}
