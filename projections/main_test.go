package projections_test

import (
	"flag"
	"testing"

	"github.com/readtrail/readtrail/projections/store/storetest"
)

// rounds is how often each commit point is hit: `go test ./projections -rounds 20` looks for what one round in a run does not show.
var rounds = flag.Int("rounds", 1, "how often the projector is killed at each commit point")

func TestMain(m *testing.M) { storetest.Main(m) }
