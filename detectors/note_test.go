package detectors_test

import (
	"slices"
	"testing"

	"github.com/readtrail/readtrail/detectors"
)

// TestJoinedNotesNameTheirRecords: of several records of one reader, a sentence that names its record is told of the first three, as they are told one
// by one; what is said of the reader is told once.
func TestJoinedNotesNameTheirRecords(t *testing.T) {
	t.Parallel()
	records := []string{"Anna Alt (1)", "Bodo Beck (2)", "Cora Clar (3)", "Dirk Dahl (4)"}
	why := make([][]string, len(records))
	for i, r := range records {
		why[i] = []string{"Nothing connects the reader with " + r + ".", "It was at night."}
	}
	why[3] = append(why[3], "By the roster the reader was off duty.")
	want := []string{
		"Nothing connects the reader with Anna Alt (1).", "It was at night.", "Nothing connects the reader with Bodo Beck (2).",
		"Nothing connects the reader with Cora Clar (3).", "By the roster the reader was off duty.",
	}
	if got := detectors.JoinedWhy(records, why); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
