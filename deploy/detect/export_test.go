package detect

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/proto"
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

// Told is an alert that is shown: of which day it is, whether of one reader in one record, and what it cites, rising.
type Told struct {
	Day   int32
	Pair  bool
	Cited []uint64
}

// toldID is the id of the n-th alert of a side.
func toldID(n int, side byte) proto.EventID {
	return proto.EventID{byte(n >> 16), byte(n >> 8), byte(n), side}
}

// IDOf is the id of the n-th alert of the side before.
func IDOf(n int) string { return toldID(n, 1).String() }

// Compare is the difference between two sides of alerts, which are in the order of their ids; no alert is on both.
func Compare(before, after []Told) Difference {
	side := func(all []Told, begin byte) *replayed {
		r := &replayed{alerts: map[string]*judged{}}
		for i, a := range all {
			one := &judged{id: toldID(i, begin), day: a.Day, shape: v1.Shape_SHAPE_READER_DAY, shown: true, cited: a.Cited}
			if a.Pair {
				one.shape = v1.Shape_SHAPE_PAIR
			}
			r.alerts[string(one.id.Bytes())] = one
		}
		return r
	}
	return difference(side(before, 1), side(after, 2), 0, 1<<30)
}
