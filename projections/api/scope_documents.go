package api

import (
	"context"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// documentedRows is how many reports of a file are looked up together: some 5 MB while they wait. A statement costs as much as a
	// thousand rows of it, so few together would take most of the file's time.
	documentedRows = verdictChunk
	// exportsAtOnce is how many files may read the engine at the same time. Each reads its reports while it looks up what documents them, so it
	// takes two of the eight connections: four files that wait for a second one would be all of them.
	exportsAtOnce = 3
)

// documented is a report of a file, and what documents the verdict on it.
type documented struct {
	scopeRow
	class       class
	explanation v1.Explanation
	document    *v1.Document
}

// documenting looks up what documents the verdicts of a file's reports, some at a time.
type documenting struct {
	pin  *pin
	rows []documented
	// together is how many.
	together int
	// emit takes them, in order. A row is its only until it returns.
	emit func(*documented) error
}

// add takes a report.
func (d *documenting) add(ctx context.Context, r *scopeRow, c class) error {
	d.rows = append(d.rows, documented{scopeRow: *r, class: c})
	if len(d.rows) < d.together {
		return nil
	}
	return d.flush(ctx)
}

// flush looks up what waits, and hands it on.
func (d *documenting) flush(ctx context.Context) error {
	places, err := d.places(ctx)
	if err != nil {
		return err
	}
	all := make([]placeOfDocument, 0, len(places))
	for _, j := range places {
		all = append(all, j.document)
	}
	documents, err := d.pin.documents(ctx, all)
	if err != nil {
		return err
	}
	for i := range d.rows {
		r := &d.rows[i]
		if j, ok := places[reportKey{uint64(r.position), r.ordinal}]; ok && r.class != classSecond {
			r.explanation, r.document = j.explanation, d.pin.told(documents[j.document], uint64(r.position))
		}
		if err := d.emit(r); err != nil {
			return err
		}
	}
	d.rows = d.rows[:0]
	return nil
}

// places are the explanations of the reports that are explained, and where their documents stand.
func (d *documenting) places(ctx context.Context) (map[reportKey]judgement, error) {
	var positions []uint64
	for i := range d.rows {
		position := uint64(d.rows[i].position)
		known := len(positions) > 0 && positions[len(positions)-1] == position // an event's reports stand together
		if d.rows[i].verdict == uint8(v1.Verdict_VERDICT_EXPLAINED) && !known {
			positions = append(positions, position)
		}
	}
	found := make(map[reportKey]judgement, len(positions))
	if len(positions) == 0 {
		return found, nil
	}
	err := d.pin.lastJudgements(ctx, positions, func(of reportKey, j judgement) {
		if j.verdict == v1.Verdict_VERDICT_EXPLAINED {
			found[of] = j
		}
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
