package evaluation

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
)

// label says that an access is truly inappropriate.
type label struct{ scenario, incident string }

// labels are what a dataset says of its events.
type labels struct {
	// of are those of an event: one of several patients may belong to several incidents.
	of map[string][]label
	// incidents are all, with the scenario that the first row of each names.
	incidents map[string]string
}

func (l *labels) add(event string, one label) {
	if !slices.Contains(l.of[event], one) {
		l.of[event] = append(l.of[event], one)
	}
	if _, ok := l.incidents[one.incident]; !ok {
		l.incidents[one.incident] = one.scenario
	}
}

// readLabels reads labels.csv: event_id,scenario,incident, one row an inappropriate access; event_id is AuditEvent.id. An empty file is
// as none: nil.
func readLabels(dir fs.FS, path string) (*labels, error) {
	r, err := open(dir, path, func(int) {})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = -1
	head, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read labels.csv: %w", err)
	}
	at := func(name string) int {
		return slices.IndexFunc(head, func(h string) bool {
			return strings.EqualFold(strings.TrimSpace(h), name)
		})
	}
	event, scenario, incident := at("event_id"), at("scenario"), at("incident")
	if event < 0 || scenario < 0 || incident < 0 {
		return nil, errors.New("labels.csv: want the columns event_id, scenario, incident")
	}
	out := &labels{map[string][]label{}, map[string]string{}}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read labels.csv: %w", err)
		}
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if !slices.ContainsFunc(row, func(s string) bool { return s != "" }) {
			continue // spreadsheets leave such rows
		}
		line, _ := rows.FieldPos(0)
		if len(row) <= max(event, scenario, incident) {
			return nil, fmt.Errorf("labels.csv, line %d: %d columns", line, len(row))
		}
		if row[event] == "" || row[incident] == "" {
			return nil, fmt.Errorf("labels.csv, line %d: want an event_id and an incident", line)
		}
		out.add(row[event], label{row[scenario], row[incident]})
	}
}
