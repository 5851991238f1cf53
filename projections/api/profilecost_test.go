package api_test

import (
	"os"
	"path/filepath"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestRowsReadForProfile holds the profile of a reader to the rows of the reader and the peers: of twenty groups, nobody else's are read.
func TestRowsReadForProfile(t *testing.T) {
	w, service := bulk(t, 80_000, 4_000, 200)
	w.judge(t)
	sql, err := os.ReadFile(filepath.Join("testdata", "bulk_groups.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for year := range uint64(10) {
		if err := w.store.Exec(t.Context(), string(sql), store.Params{"year": year}); err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	c := &costs{}
	service.SetMeter(c.meter)
	const from = 1_500_000_000_000_000
	res, err := service.ReaderProfile(w.ctx(), connect.NewRequest(&v1.ReaderProfileRequest{
		Reader: "u7", Purpose: "p", FromUs: from, UntilUs: from + 30*86_400_000_000,
	}))
	if err != nil {
		t.Fatal(err)
	}
	if m := res.Msg; m.Peers < 5 || m.Peers > 20 || m.Figures[3].GetPercentile_90() == 0 {
		t.Fatalf("peers %d, figures %v", m.Peers, m.Figures)
	}
	for name, n := range c.read {
		t.Logf("%-20s %8d rows", name, n)
	}
	// A granule of 1,024 of the one part that reaches into the period for each reader, at times two, in two passes; then 30 days of
	// 80,000 verdicts a year, which stand together.
	if limit := uint64(res.Msg.Peers+1)*3*1024 + 80_000/12; c.read["profile_rows"] > limit || c.read["profile_rows"] == 0 {
		t.Errorf("%d rows to compare %d readers, want at most %d", c.read["profile_rows"], res.Msg.Peers+1, limit)
	}
	// One reader in one part, and the days of their group in ten.
	if n := c.read["profile_groups"]; n > 2*1024 || n == 0 {
		t.Errorf("%d rows to find the groups", n)
	}
	if n := c.read["profile_group_names"]; n > 10*2*256 || n == 0 {
		t.Errorf("%d rows to name the groups", n)
	}
	if n := c.read["profile_peers"]; n > 10*2*256 || n == 0 {
		t.Errorf("%d rows to find the peers", n)
	}
}

// TestReaderGroupsAreSmall: a row a reader, day and group is to take little beside the 31 bytes of each of the day's accesses.
func TestReaderGroupsAreSmall(t *testing.T) {
	w := newWorld(t)
	w.append(access("source0", begin, nil, nil))
	w.settle()
	w.unfence()
	sql, err := os.ReadFile(filepath.Join("testdata", "bulk_month_groups.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{string(sql), "OPTIMIZE TABLE reader_groups_v1 FINAL"} {
		if err := w.store.Exec(t.Context(), statement, nil); err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	var rows, bytes, key uint64
	err = w.store.Query(t.Context(), `SELECT sum(rows), sum(bytes_on_disk), sum(primary_key_bytes_in_memory) FROM system.parts
		WHERE database = currentDatabase() AND table = 'reader_groups_v1' AND active`, nil, func(row store.Row) error { return row.Scan(&rows, &bytes, &key) })
	if err != nil || rows < 90_000 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	t.Logf("%.2f bytes a row on disk, %.3f in memory", float64(bytes)/float64(rows), float64(key)/float64(rows))
	if bytes > 16*rows || 5*key > rows {
		t.Errorf("%d rows take %d bytes on disk and %d in memory", rows, bytes, key)
	}
}
