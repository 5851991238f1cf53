package cli_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/dashboards/cli"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestRebuildDisplay replays reports, each a second after the one before.
func TestRebuildDisplay(t *testing.T) {
	at := func(done, all uint64, rows uint64) *v1.RebuildResponse {
		return &v1.RebuildResponse{Version: 2, Position: uint64(proto.EndOf(done)), Target: uint64(proto.At(all, 7)), Rows: rows}
	}
	flipped := func(r *v1.RebuildResponse) *v1.RebuildResponse { r.Flipped = true; return r }
	long := []*v1.RebuildResponse{at(0, 400, 0)}
	for n := range uint64(25) {
		long = append(long, at(10*n, 400, 1000*n))
	}
	for _, tt := range []struct {
		name     string
		terminal bool
		reports  []*v1.RebuildResponse
		want     string
	}{
		{"from the beginning", false, append(long, flipped(at(400, 400, 40_000))), "" +
			"version 2: reading the journal from its beginning, 400 messages\n" +
			"version 2: 22 %, 9000 rows, 900/s, 34s left\n" +
			"version 2: 47 %, 19000 rows, 950/s, 22s left\n" +
			"version 2 is active: 40000 rows, read in 26s\n"},
		{"goes on", false, []*v1.RebuildResponse{at(300, 400, 30_000), at(350, 400, 35_000), flipped(at(401, 401, 40_100))}, "" +
			"version 2: going on where an earlier rebuild stopped, at 75 % of 400 messages, 30000 rows\n" +
			"version 2 is active: 40100 rows, read in 2s\n"},
		{"on a terminal", true, []*v1.RebuildResponse{at(0, 4, 0), at(1, 4, 100), at(4, 4, 400), flipped(at(4, 4, 400))}, "" +
			"version 2: reading the journal from its beginning, 4 messages\n" +
			"\r\x1b[Kversion 2: 25 %, 100 rows, 100/s, 3s left" +
			"\r\x1b[Kversion 2: 100 %, 400 rows, 200/s, 0s left" +
			"\r\x1b[Kversion 2 is active: 400 rows, read in 3s\n"},
		{"nothing to read", false, []*v1.RebuildResponse{at(0, 0, 0), flipped(at(0, 0, 0))}, "" +
			"version 2: reading the journal from its beginning, 0 messages\n" +
			"version 2 is active: 0 rows, read in 1s\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			cli.ShowRebuild(&out, tt.terminal, time.Second, tt.reports)
			if diff := cmp.Diff(tt.want, out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
