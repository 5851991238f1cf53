package embedded_test

import (
	"maps"
	"testing"

	"github.com/readtrail/readtrail/projections/embedded"
)

// TestSessionOfTheSameSettings: a statement gets the session that needs none of its settings changed, wherever it stands, and any other where
// there is none.
func TestSessionOfTheSameSettings(t *testing.T) {
	of := func(seconds string) map[string]string {
		return map[string]string{"max_execution_time": seconds, "readonly": "0"}
	}
	free := []map[string]string{of("10"), nil, of("30"), of("60")}
	for _, want := range append(free, of("90")) {
		got, left, err := embedded.Acquired(t.Context(), free, want)
		if err != nil || left != len(free)-1 {
			t.Fatalf("%d sessions are left, %v", left, err)
		}
		if want["max_execution_time"] != "90" && !maps.Equal(got, want) {
			t.Errorf("a statement with %v got the session with %v", want, got)
		}
	}
}

// TestSettingsAreChangedOnce: statements of a few kinds, one after the other, do not take each other's sessions.
func TestSettingsAreChangedOnce(t *testing.T) {
	a, b := map[string]string{"max_threads": "1"}, map[string]string{"max_threads": "2"}
	var statements []map[string]string
	for range 20 {
		statements = append(statements, a, b, b, a)
	}
	if n, err := embedded.Changes(t.Context(), 8, statements); err != nil || n != 2 {
		t.Errorf("settings were changed %d times for two kinds of statements, %v", n, err)
	}
}
