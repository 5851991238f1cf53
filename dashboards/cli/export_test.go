package cli

import (
	"io"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// ShowRebuild shows reports that come one a step.
func ShowRebuild(w io.Writer, terminal bool, step time.Duration, reports []*v1.RebuildResponse) {
	now := time.Unix(1, 0)
	d := newRebuildDisplay(w, func() time.Time { return now })
	d.terminal = terminal
	for _, r := range reports {
		d.report(r)
		now = now.Add(step)
	}
}

// CSV writes a table as every verb does with --csv.
func CSV(w io.Writer, columns []string, rows [][]string) error {
	return (&table{columns: columns, rows: rows}).csv(w)
}
