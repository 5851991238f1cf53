package api_test

import (
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestRowsReadForVerdicts holds the verdicts of a list to a granule of 128 rows an access.
func TestRowsReadForVerdicts(t *testing.T) {
	w, service := bulk(t, 40_000, 4_000, 200)
	w.judge(t)
	c := &costs{}
	service.SetMeter(c.meter)
	res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "77", Purpose: "p"}))
	if err != nil {
		t.Fatal(err)
	}
	totals := res.Msg.Totals
	if totals.Explained == 0 || totals.NotJudged != 0 || totals.Explained+totals.Unexplained != totals.Accesses {
		t.Errorf("totals: %v", totals)
	}
	// A granule an access, and the rest of the range that a part is read in.
	if limit := totals.Accesses * 160; c.read["verdicts"] > limit || c.read["verdicts"] == 0 {
		t.Errorf("%d rows of verdicts for %d accesses, want at most %d", c.read["verdicts"], totals.Accesses, limit)
	}
	if n := c.read["detection_progress"]; n > 4_000 {
		t.Errorf("%d rows to know how far detectors have judged", n)
	}
	t.Logf("%d rows of verdicts for %d accesses", c.read["verdicts"], totals.Accesses)
}

// judge tells of all bulk rows how detectors judged them.
func (w *world) judge(t testing.TB) {
	t.Helper()
	run := func(file string, params store.Params) {
		t.Helper()
		sql, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.store.Exec(t.Context(), string(sql), params); err != nil {
			t.Fatalf("%s: %v: %s", file, err, store.Detail(err))
		}
	}
	for year := range uint64(10) {
		run("bulk_verdicts.sql", store.Params{"year": year})
	}
	run("bulk_judged.sql", nil)
}

// TestVerdictsAreSmall: 60 million verdicts a month are to take little beside the accesses, which take 31 bytes each.
func TestVerdictsAreSmall(t *testing.T) {
	w := newWorld(t)
	w.append(access("source0", begin, nil, nil))
	w.settle()
	w.unfence()
	sql, err := os.ReadFile(filepath.Join("testdata", "bulk_month_verdicts.sql"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Exec(t.Context(), string(sql), nil); err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
	if err := w.store.Exec(t.Context(), "OPTIMIZE TABLE verdicts_v1 FINAL", nil); err != nil {
		t.Fatal(err)
	}
	var rows, bytes, key uint64
	err = w.store.Query(t.Context(), `SELECT sum(rows), sum(bytes_on_disk), sum(primary_key_bytes_in_memory) FROM system.parts
		WHERE database = currentDatabase() AND table = 'verdicts_v1' AND active`, nil, func(row store.Row) error { return row.Scan(&rows, &bytes, &key) })
	if err != nil || rows != 2_000_000 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	t.Logf("%.2f bytes a verdict on disk, %.3f in memory", float64(bytes)/float64(rows), float64(key)/float64(rows))
	if bytes > 2*rows || 10*key > rows {
		t.Errorf("%d verdicts take %d bytes on disk and %d in memory", rows, bytes, key)
	}
}
