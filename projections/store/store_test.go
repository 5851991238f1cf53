package store_test

import (
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func TestSmoke(t *testing.T) {
	s := storetest.Open(t)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	must(s.Exec(ctx, "CREATE TABLE t (a UInt64, s LowCardinality(String), at DateTime64(6,'UTC')) ENGINE=MergeTree ORDER BY a", nil))
	now := time.Now().UTC().Truncate(time.Microsecond)
	for range 3 {
		must(s.Insert(ctx, "t", []string{"a", "s", "at"}, func(b store.Batch) error {
			must(b.Column(0).Append([]uint64{1, 2}))
			must(b.Column(1).Append([]string{"x", "y"}))
			must(b.Column(2).Append([]time.Time{now, now}))
			return nil
		}))
	}
	n := 0
	stats, err := s.QueryStats(ctx, "SELECT a, s, at FROM t WHERE at = {at:DateTime64(6)} AND s={s:String}", store.Params{"at": now, "s": "y"}, func(r store.Row) error {
		var a uint64
		var v string
		var at time.Time
		must(r.Scan(&a, &v, &at))
		if a != 2 || v != "y" || !at.Equal(now) {
			t.Error(a, v, at)
		}
		n++
		return nil
	})
	must(err)
	t.Log(n, stats)
}
