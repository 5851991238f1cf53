package detect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/readtrail/readtrail/ingest/journal"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Replayed judges a journal again with so many accesses in memory, days waiting in a directory, and lists what every alert came to. seen is
// asked after each batch.
func Replayed(ctx context.Context, jn *journal.Journal, zone *time.Location, dir string, held int, rs *v1.RuleSet, seen func()) ([]string, error) {
	r := &replay{journal: jn, zone: zone, dir: dir, held: held, progress: func(uint64, uint64) error { seen(); return nil }}
	all, err := r.run(ctx, rs)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, a := range all[0].alerts {
		out = append(out, fmt.Sprint(a.id, a.day, a.shown, a.rank, a.chance, a.retracted, a.detectors))
	}
	slices.Sort(out)
	return out, nil
}
