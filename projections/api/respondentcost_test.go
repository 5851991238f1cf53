package api_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/readtrail/readtrail/projections/queries"
	"github.com/readtrail/readtrail/projections/store"
)

// insert runs a statement of testdata that makes rows inside the engine.
func insert(t *testing.T, w *world, file string) {
	t.Helper()
	sql, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.Exec(t.Context(), string(sql), nil); err != nil {
		t.Fatalf("%s: %v: %s", file, err, store.Detail(err))
	}
}

// TestCostOfMyQuestions: of 2,000 cases of 15 steps, 37 MB in all, a look at what one is asked reads who was asked, and the cases in which it
// was oneself.
func TestCostOfMyQuestions(t *testing.T) {
	w, service := bulk(t, 400, 40, 20)
	insert(t, w, "bulk_cases.sql")
	var mu sync.Mutex
	var cost store.Stats
	service.SetMeter(func(name string, stats store.Stats) {
		mu.Lock()
		defer mu.Unlock()
		if name == "my_questions" {
			cost = stats
		}
	})
	if _, err := questionsOf(respondent(t, "oidc:nobody"), service); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rows, %d bytes, %s", cost.ReadRows, cost.ReadBytes, cost.Elapsed)
	if cost.ReadRows == 0 || cost.ReadBytes > 1_000_000 {
		t.Errorf("read %d rows, %d bytes", cost.ReadRows, cost.ReadBytes)
	}
}

// TestCostOfWhatIsAboutOneself: which of some alerts cite the asker is asked of those alerts alone, not of 100,000 others.
func TestCostOfWhatIsAboutOneself(t *testing.T) {
	w, _ := bulk(t, 400, 40, 20)
	insert(t, w, "bulk_alerts.sql")
	set, err := queries.For(1, queries.Whole)
	if err != nil {
		t.Fatal(err)
	}
	// Alert n cites the reader n and twenty accesses of its own.
	const mine, other = "2Zs4T8sD1pS1o3y000000000007", "2Zs4T8sD1pS1o3y000000000009"
	var found []string
	stats, err := w.store.QueryStats(t.Context(), set["own_cited"], store.Params{"own": []uint64{7, 8}, "named": []string{mine, other}}, func(row store.Row) error {
		var s string
		err := row.Scan(&s)
		found = append(found, s)
		return err
	})
	if err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
	t.Logf("%d rows, %d bytes, %s", stats.ReadRows, stats.ReadBytes, stats.Elapsed)
	if len(found) != 1 || found[0] != mine || stats.ReadRows > 20_000 {
		t.Errorf("found %v, read %d rows", found, stats.ReadRows)
	}
}
