package api

import (
	"context"
	"slices"
)

// A list is narrowed to verdicts in two readings: the first says which accesses there are, of which the verdicts are looked up; the second
// lists and counts those that are left. So no statement waits for another one with a connection in its hand, and what is kept meanwhile
// are eight bytes an access.

// sift returns which accesses of a list are meant, verdicts considered; nil means all of them. read streams the list's
// events.
func (p *pin) sift(ctx context.Context, a *listAsk, read func(*lister, *verdicts) error) (func(*access) bool, error) {
	if a.verdicts.none() {
		return a.keep, nil
	}
	all := p.verdicts()
	l := newLister(cut{at: a.at, keep: a.keep, all: true}, all.add)
	err := read(l, all)
	if err == nil {
		err = stopped(l.pairs.finish())
	}
	if err != nil {
		return nil, err
	}
	left, err := all.with(ctx, a.verdicts)
	if err != nil {
		return nil, err
	}
	return func(x *access) bool {
		_, found := slices.BinarySearch(left, uint64(x.shown.position))
		return found && (a.keep == nil || a.keep(x))
	}, nil
}

// with returns the positions of the reports that have one of some verdicts, sorted.
func (v *verdicts) with(ctx context.Context, wanted verdictSet) ([]uint64, error) {
	var left []uint64
	err := v.each(ctx, func(position uint64, j judgement) {
		if wanted[j.verdict] {
			left = append(left, position)
		}
	})
	slices.Sort(left)
	return left, err
}
