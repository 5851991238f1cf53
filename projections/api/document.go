package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// placeOfDocument is where a document stands: in which message of FINDINGS, and where in it, from 1.
type placeOfDocument struct {
	sequence uint64
	number   uint16
}

// documents reads what stands at some places; nothing at the zero place.
func (p *pin) documents(ctx context.Context, wanted []placeOfDocument) (map[placeOfDocument]*v1.Document, error) {
	found := map[placeOfDocument]*v1.Document{}
	for _, at := range wanted {
		if at.number > 0 {
			found[at] = nil
		}
	}
	places := make([]placeOfDocument, 0, len(found))
	for at := range found {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b placeOfDocument) int {
		return cmp.Or(cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.number, b.number))
	})
	for chunk := range slices.Chunk(places, verdictChunk) {
		sequences, numbers := make([]uint64, len(chunk)), make([]uint16, len(chunk))
		for i, at := range chunk {
			sequences[i], numbers[i] = at.sequence, at.number
		}
		err := p.query(ctx, "documents", store.Params{"sequences": sequences, "numbers": numbers}, func(row store.Row) error {
			var at placeOfDocument
			var d v1.Document
			err := row.Scan(&at.sequence, &at.number, &d.Source, &d.Type, &d.Id, &d.FromUs, &d.UntilUs, &d.Position)
			found[at] = &d
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read documents: %w", err)
		}
	}
	return found, nil
}

// told is what may be told of a document to whoever reads of an access. Within limits that is only the access itself, where it worked on
// the record: other work, or a stay, may lie elsewhere, and its place, source or day would tell who was there, or looked there.
func (p *pin) told(d *v1.Document, access uint64) *v1.Document {
	if p.limits.Limited() && d.GetPosition() != access {
		return nil
	}
	return d
}

// judged says of an event how detectors judged it.
func (p *pin) judged(ctx context.Context, res *v1.GetEventResponse) error {
	if res.Position > uint64(p.position) {
		return nil
	}
	a := &v1.Access{Position: res.Position}
	if err := p.markVerdicts(ctx, []*v1.Access{a}); err != nil {
		return err
	}
	res.Verdict, res.Explanation, res.Missing, res.Standing, res.Document = a.Verdict, a.Explanation, a.Missing, a.Standing, a.Document
	return nil
}
