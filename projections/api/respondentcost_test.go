package api_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

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
