package api

import "context"

// recordAhead are the newest rows of a record, read while it is still being found out whether its identifiers lead to more: mostly they do
// not, and then nobody waits for the one behind the other. Else what was read is dropped.
type recordAhead struct {
	// ids are the identifiers whose rows are read; nil before it begins.
	ids  map[ident]bool
	done chan struct{}
	// found and err are there when done is closed. At most maxListedFull rows are held.
	found []*wholeRow
	err   error
}

// begin reads the rows of some identifiers, once. The backdrop waits for its end.
func (r *recordAhead) begin(ctx context.Context, p *pin, ids []ident, around *backdrop) error {
	if r == nil || r.ids != nil {
		return nil
	}
	sources, err := around.sources()
	if err != nil {
		return err
	}
	r.ids, r.done = setOf(ids), make(chan struct{})
	around.pending.Go(func() error {
		defer close(r.done)
		r.err = p.readWhole(ctx, recordAsk{ids: ids, sources: sources}, func(row *wholeRow) error {
			r.found = append(r.found, row)
			return nil
		})
		return nil // whoever needs the rows is told
	})
	return nil
}

// rows waits for what was read, and returns it where it has all rows of these identifiers. Rows of others may be among them, as they may be
// among those that the statement finds by key.
func (r *recordAhead) rows(ids []ident) ([]*wholeRow, bool, error) {
	if r == nil || r.ids == nil {
		return nil, false, nil
	}
	for _, id := range ids {
		if !r.ids[id] {
			return nil, false, nil
		}
	}
	<-r.done
	return r.found, true, r.err
}
