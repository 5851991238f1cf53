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

// readLabels reads labels.csv: event_id,scenario,incident, one row an inappropriate access; event_id is AuditEvent.id. An empty file is
// as none: nil.
func readLabels(dir fs.FS, path string) (map[string]label, error) {
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
	out := map[string]label{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read labels.csv: %w", err)
		}
		if len(row) <= max(event, scenario, incident) {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("labels.csv, line %d: %d columns", line, len(row))
		}
		out[row[event]] = label{row[scenario], row[incident]}
	}
}
