package projections

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/readtrail/readtrail/projections/store"
)

// writerSetting carries the writer's name with each insert; the tables' fence compares it (sql/fence.sql).
const writerSetting = "log_comment"

// registryTables are the tables outside the versions that say what answers and how far it is.
var registryTables = []string{"active", "versions", watermarksTable.base}

// flipStatement is the name of the insert that makes a version answer.
const flipStatement = "projector-flip"

// as returns a store whose inserts carry the writer's name.
func as(s *store.Store, writer string) *store.Store {
	return s.With(store.Settings{writerSetting: writer})
}

// fence gives a table to a writer. Inserts of every other one that have not begun are refused by ClickHouse from then on,
// also those that a broken network or a stopped process holds back and lets go days later. Those that have begun are in
// the list of running statements, because ClickHouse enters a statement there before it looks at the table: who fences
// cancels them by their name afterwards, and what is read then is what stays.
//
// A crash between two tables leaves some with the new name: whoever comes next fences all of them.
func fence(ctx context.Context, s *store.Store, table, writer string) error {
	if err := s.Exec(ctx, queryOn("fence", table), store.Params{"writer": writer}); err != nil {
		return fmt.Errorf("fence %s: %w", table, err)
	}
	return nil
}

// mutatingPoll is how often a running deletion is looked at: it takes a fraction of a second, and happens hardly ever.
const mutatingPoll = 50 * time.Millisecond

// settle waits until no deletion of a table runs. One that begins later finds the table fenced and deletes nothing.
func settle(ctx context.Context, s *store.Store, table string) error {
	for {
		var running uint64
		params := store.Params{"database": s.Database(), "table": table}
		scan := func(row store.Row) error { return row.Scan(&running) }
		if err := s.Query(ctx, query("mutating"), params, scan); err != nil {
			return fmt.Errorf("read deletions of %s: %w", table, err)
		}
		if running == 0 {
			return nil
		}
		if err := pause(ctx, mutatingPoll); err != nil {
			return fmt.Errorf("wait for deletions of %s: %w", table, err)
		}
	}
}

// Unfence lets everybody write a version's tables, until a projector begins its next session: for benchmarks and tests that
// generate rows inside the engine, where no other process projects.
func Unfence(ctx context.Context, s *store.Store, version uint32) error {
	names := slices.Clone(registryTables)
	for _, t := range allTables() {
		names = append(names, t.name(version))
	}
	for _, table := range names {
		if err := s.Exec(ctx, queryOn("unfence", table), nil); err != nil {
			return fmt.Errorf("open %s: %w", table, err)
		}
	}
	return nil
}
