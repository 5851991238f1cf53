package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// alertKey is a version of an alert.
type alertKey struct {
	id      string
	version uint32
}

// fillRows reads what a page's alerts are.
func (p *pin) fillRows(ctx context.Context, rows []*v1.AlertRow, days []int32) error {
	_, err := p.fillVersions(ctx, rows, days)
	return err
}

// fillVersions is fillRows that returns the versions in full, by the ids of their alerts.
func (p *pin) fillVersions(ctx context.Context, rows []*v1.AlertRow, days []int32) (map[string]*v1.AlertVersion, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	full := make(map[string]*v1.AlertVersion, len(rows))
	texts, ids, versions := make([]string, len(days)), make([]string, len(rows)), make([]uint64, len(rows))
	for i, day := range days {
		texts[i] = dayText(day)
	}
	byKey := make(map[alertKey]*v1.AlertRow, len(rows))
	for i, row := range rows {
		ids[i], versions[i] = row.AlertId, uint64(row.Version)
		byKey[alertKey{row.AlertId, row.Version}] = row
	}
	params := store.Params{"days": texts, "ids": ids, "versions": versions}
	err := p.query(ctx, "alert_bodies", params, func(r store.Row) error {
		var key alertKey
		var body string
		if err := r.Scan(&key.id, &key.version, &body); err != nil {
			return err
		}
		v, err := alertVersion(body)
		if err == nil && byKey[key] != nil {
			describeAlert(byKey[key], v)
			delete(byKey, key)
			full[key.id] = v
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	if len(byKey) > 0 {
		return nil, fmt.Errorf("read alerts: %d of %d are missing", len(byKey), len(rows))
	}
	return full, nil
}

// alertVersion reads a version as the table holds it.
func alertVersion(body string) (*v1.AlertVersion, error) {
	v := &v1.AlertVersion{}
	if err := v.UnmarshalVT([]byte(body)); err != nil {
		return nil, fmt.Errorf("read alert: %w: %w", err, proto.ErrCorrupt)
	}
	return v, nil
}

// describeAlert fills a row from a version.
func describeAlert(row *v1.AlertRow, v *v1.AlertVersion) {
	row.AlertId, row.Version, row.State, row.Day = projections.IDText(v.AlertId), v.Version, v.State, dayText(v.Day)
	row.Shape, row.Scenario, row.Chance, row.Rank = v.Shape, v.Scenario, v.Chance, v.Rank
	row.Shown, row.Sampled, row.Hard, row.Backfill = v.Shown, v.Sampled, v.Hard, v.Backfill
	row.Severity, row.Queue, row.Title, row.AtUs = v.Severity, v.Queue, v.Note.GetTitle(), v.AtUs
	row.ReadersTotal, row.PatientsTotal, row.Accesses = uint32(len(v.Readers)), uint32(len(v.Patients)), uint32(len(v.Accesses))
	row.Readers = slices.Clone(v.Readers[:min(len(v.Readers), peopleShown)])
	row.Patients = slices.Clone(v.Patients[:min(len(v.Patients), peopleShown)])
	row.Detectors = nil
	for _, d := range v.Detectors {
		row.Detectors = append(row.Detectors, d.Detector)
	}
}
