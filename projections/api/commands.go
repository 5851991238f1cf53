package api

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// AlertNow is what a command on an alert must know of it.
type AlertNow struct {
	// Version is its latest version.
	Version uint32
	// Decided is the position of the latest decision on it; 0: there is none, and Latest is nil.
	Decided proto.Position
	Latest  *v1.AlertDecision
}

// AlertNow finds an alert; false: there is none. It answers no person and says nothing of one, so it is no question; the command that
// asks is journaled. Decisions that the journal holds are in it. For the asker in ctx there is no alert about themself, which is journaled.
func (s *Service) AlertNow(ctx context.Context, id proto.EventID) (AlertNow, bool, error) {
	ctx = proto.WithGlass(ctx, "") // a broken glass lets see, and do nothing
	p, sequence, around, err := s.standOnDays(ctx, &daysAsk{}, projections.ProjectorAlerts)
	if err != nil {
		return AlertNow{}, false, err
	}
	defer func() { _ = around.wait() }()
	own, err := s.own(ctx, p, around)
	if err != nil {
		return AlertNow{}, false, err
	}
	var now AlertNow
	var aboutAsker bool
	params := store.Params{"id": id.String(), "sequence": sequence, "own": own}
	err = p.query(ctx, "alert_now", params, func(row store.Row) error { return row.Scan(&now.Version, &aboutAsker) })
	if err != nil {
		return now, false, fmt.Errorf("find alert: %w", err)
	}
	if aboutAsker {
		return AlertNow{}, false, s.keepBack(ctx, proto.CallerFrom(ctx), queryGetAlert, "", p.position, nil)
	}
	if now.Version == 0 {
		return now, false, nil
	}
	decisions, err := p.decisions(ctx, id.String())
	if err != nil || len(decisions) == 0 {
		return now, true, err
	}
	last := decisions[len(decisions)-1]
	now.Decided = proto.Position(last.Position)
	now.Latest = &v1.AlertDecision{
		AlertId: id.Bytes(), Version: last.Version, Disposition: last.Disposition, Comment: last.Comment, Asker: last.Asker, Role: last.Role,
		DecidedUs: last.DecidedUs,
	}
	return now, true, nil
}

// ImportNow is what a command on an import must know of it.
type ImportNow struct{ Backfill, Ended, Released bool }

// ImportNow finds an import as AlertNow finds an alert.
func (s *Service) ImportNow(ctx context.Context, id []byte) (now ImportNow, found bool, err error) {
	if s.cfg.Limits(proto.CallerFrom(ctx)).Limited() { // an import is of no site
		return now, false, nil
	}
	p, _, around, err := s.standOnDays(ctx, &daysAsk{}, projections.ProjectorAlerts)
	if err != nil {
		return now, false, err
	}
	defer func() { _ = around.wait() }()
	params := store.Params{"key": projections.ImportKey(id), "import_id": hex.EncodeToString(id)}
	err = p.query(ctx, "import_now", params, func(row store.Row) error {
		return row.Scan(&found, &now.Backfill, &now.Ended, &now.Released)
	})
	if err != nil {
		return now, false, fmt.Errorf("find import: %w", err)
	}
	return now, found, nil
}
