package api_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// bulk is a world whose tables were filled inside the engine: rows a year, over ten years.
func bulk(t testing.TB, rows, patients, readers uint64) (*world, *api.Service) {
	t.Helper()
	w := newWorld(t)
	w.append(access("source0", begin, nil, nil))
	w.settle()
	w.unfence()
	run := func(file string, params store.Params) {
		t.Helper()
		sql, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.store.Exec(context.Background(), string(sql), params); err != nil {
			t.Fatalf("%s: %v: %s", file, err, store.Detail(err))
		}
	}
	for year := range uint64(10) {
		run("bulk_by_patient.sql", store.Params{"year": year, "rows": rows, "patients": patients, "readers": readers})
		run("bulk_by_reader.sql", store.Params{"year": year})
		run("bulk_places.sql", store.Params{"year": year})
	}
	run("bulk_identifiers.sql", nil)
	run("bulk_selves.sql", nil)
	run("bulk_watermark.sql", nil)
	cfg := w.config()
	cfg.Ask = func(context.Context, []*v1.Question) error { return nil }
	// The projector knows nothing of rows that were made without it.
	cfg.Live = nil
	service := serve(t, cfg)
	return w, service
}

// costs adds up what the statements of one answer read.
type costs struct {
	mu   sync.Mutex
	rows uint64
	// links are those of statements that follow links of identity.
	links uint64
	lines []string
	// statements counts them by name, read their rows.
	statements map[string]int
	read       map[string]uint64
}

// byStatement is how many rows each statement read.
func (c *costs) byStatement() map[string]uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read
}

func (c *costs) meter(name string, cost store.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rows += cost.ReadRows
	if name == "identity_step" || name == "latest_versions" {
		c.links += cost.ReadRows
	}
	if c.statements == nil {
		c.statements, c.read = map[string]int{}, map[string]uint64{}
	}
	c.read[name] += cost.ReadRows
	c.statements[name]++
	c.lines = append(c.lines, fmt.Sprintf("%-24s %8d rows %10s", name, cost.ReadRows, cost.Elapsed))
}

// TestPeriodsLeaveOutEventsOfNobody: events that name no patient all have one key, and a day of them is a granule or two of its year, also
// where nearly every granule begins with another patient.
func TestPeriodsLeaveOutEventsOfNobody(t *testing.T) {
	w, _ := bulk(t, 40_000, 4_000, 200)
	for _, sql := range []string{
		`INSERT INTO accesses_by_patient_v1 (patient_key, occurred, position, received, codes, actor, setting)
			SELECT 0, occurred, position + 500, received, codes, actor, setting FROM accesses_by_patient_v1
			WHERE position % 12 = 0 AND toYear(received) = 2018`,
		"OPTIMIZE TABLE accesses_by_patient_v1 FINAL", "DETACH TABLE accesses_by_patient_v1", "ATTACH TABLE accesses_by_patient_v1",
	} {
		if err := w.store.Exec(t.Context(), sql, nil); err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	number := func(sql string) (n uint64) {
		t.Helper()
		err := w.store.Query(t.Context(), sql, nil, func(row store.Row) error { return row.Scan(&n) })
		if err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
		return n
	}
	all := number("SELECT count() FROM accesses_by_patient_v1 WHERE patient_key = 0")
	day := number(`SELECT sum(marks) FROM (EXPLAIN ESTIMATE SELECT count() FROM accesses_by_patient_v1
		WHERE patient_key = 0 AND occurred >= '2018-07-01' AND occurred < '2018-07-02')`)
	if all < 3_000 || day == 0 || day > 2 {
		t.Errorf("a day of them is in %d granules of 512, of %d rows in all", day, all)
	}
}

// TestRowsRead holds the first pages to what they may read: a patient's or a reader's own granules, not the table.
func TestRowsRead(t *testing.T) {
	w, service := bulk(t, 40_000, 4_000, 200)
	if _, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "1", Purpose: "warm"})); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		limit uint64
		ask   func() (int, error)
	}{
		// Ten parts of ten years, each with a granule of 512 for the list.
		"WhoViewed": {8_000, func() (int, error) {
			res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "77", Purpose: "p"}))
			return len(res.Msg.GetAccesses()), err
		}},
		"WhoViewed of four months": {15_000, func() (int, error) {
			res, err := service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{
				Patient: "urn:mrn|77", Purpose: "p", FromUs: 1_500_000_000_000_000, UntilUs: 1_510_000_000_000_000,
			}))
			return len(res.Msg.GetAccesses()), err
		}},
		// One reader has 2,000 of 400,000 events, read once; a page of details touches a granule an access.
		"ReaderActivity of two months": {32_000, func() (int, error) {
			res, err := service.ReaderActivity(w.ctx(), connect.NewRequest(&v1.ReaderActivityRequest{
				Reader: "u7", Purpose: "p", FromUs: 1_500_000_000_000_000, UntilUs: 1_505_000_000_000_000,
			}))
			return len(res.Msg.GetAccesses()), err
		}},
		// 200 events of one reader in a year of 40,000. Each of ten parts may have a granule of 1,024, which two passes read: the reports,
		// and texts; then a granule of 64 a patient.
		"BreachScope of a reader-year": {20_000, func() (int, error) {
			res, err := service.Scopes().BreachScope(w.ctx(), connect.NewRequest(&v1.BreachScopeRequest{
				Query: &v1.ScopeQuery{Reader: "u7", FromUs: 1_500_000_000_000_000, UntilUs: 1_531_536_000_000_000}, Purpose: "p",
			}))
			return len(res.Msg.GetPatients()), err
		}},
		"BreachScope of an object": {6_000, func() (int, error) {
			res, err := service.Scopes().BreachScope(w.ctx(), connect.NewRequest(&v1.BreachScopeRequest{
				Query: &v1.ScopeQuery{Object: "123456"}, Purpose: "p",
			}))
			return len(res.Msg.GetPatients()), err
		}},
		"SearchAccesses by object": {4_000, func() (int, error) {
			res, err := service.SearchAccesses(w.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{Object: "123456", Purpose: "p"}))
			return len(res.Msg.GetAccesses()), err
		}},
		// Three readers were there in that month, each with a granule or two of 1,024 in the part of the year, and a page of details.
		"SearchAccesses by workstation": {14_000, func() (int, error) {
			res, err := service.SearchAccesses(w.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{
				Workstation: "ws77", FromUs: 1_500_000_000_000_000, UntilUs: 1_502_600_000_000_000, Purpose: "p",
			}))
			return len(res.Msg.GetAccesses()), err
		}},
		// Of ten years the latest months are enough for a page.
		"SearchAccesses by workstation at any time": {40_000, func() (int, error) {
			res, err := service.SearchAccesses(w.ctx(), connect.NewRequest(&v1.SearchAccessesRequest{Workstation: "ws77", Purpose: "p", Page: &v1.Page{Size: 5}}))
			return len(res.Msg.GetAccesses()), err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := &costs{}
			service.SetMeter(c.meter)
			found, err := tt.ask()
			if err != nil || found == 0 {
				t.Fatalf("%d accesses, %v", found, err)
			}
			t.Logf("%d rows for %d accesses", c.rows, found)
			for _, line := range c.lines {
				t.Log(line)
			}
			if c.rows > tt.limit {
				t.Errorf("%d rows read, want at most %d", c.rows, tt.limit)
			}
		})
	}
}
