package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// verdictChunk is how many accesses one statement asks about: positions of 15 digits are 150 KB of parameters, far below the megabyte
// that servers accept.
const verdictChunk = 10_000

// judgement is what detectors say of an access.
type judgement struct {
	verdict     v1.Verdict
	explanation v1.Explanation
	cause       uint64
	// closed: the day was judged as a whole.
	closed bool
	// document is what documents the explanation; the zero place: nothing does.
	document placeOfDocument
}

// standingOf is how firm it is what was said of a day.
func standingOf(closed bool) v1.Standing {
	if closed {
		return v1.Standing_STANDING_FINAL
	}
	return v1.Standing_STANDING_PROVISIONAL
}

// concern orders verdicts: of an access to several patients the one for whom least accounts for it is told.
func (j judgement) concern() int {
	switch j.verdict {
	case v1.Verdict_VERDICT_UNEXPLAINED:
		return 3
	case v1.Verdict_VERDICT_NOT_ASSESSABLE:
		return 2
	case v1.Verdict_VERDICT_EXPLAINED:
		return 1
	}
	return 0
}

// tells reports whether this judgement is told rather than the other: of equal ones that of the stronger explanation, then the later; at
// last the one whose document stands first.
func (j judgement) tells(other judgement) bool {
	if j.concern() != other.concern() {
		return j.concern() > other.concern()
	}
	return cmp.Or(
		cmp.Compare(j.explanation, other.explanation), cmp.Compare(other.cause, j.cause), cmp.Compare(j.document.sequence, other.document.sequence),
		cmp.Compare(j.document.number, other.document.number)) < 0
}

// verdicts collects the accesses of one answer and finds out how detectors judged them. Of a record with very many accesses it keeps
// eight bytes each, and the judgements of the page only.
type verdicts struct {
	pin *pin
	// positions are the reports shown.
	positions []uint64
	// ours says which patients of the events with several are the record; empty: whoever the events name.
	ours map[patientOf]bool
	// page is filled for what is shown in full.
	page map[uint64]judgement
	// counts are accesses by verdict; those that are not judged are unspecified.
	counts map[v1.Verdict]uint64
}

func (p *pin) verdicts() *verdicts {
	return &verdicts{pin: p, ours: map[patientOf]bool{}, page: map[uint64]judgement{}, counts: map[v1.Verdict]uint64{}}
}

// patientOf is a patient of an event by its number (proto.DistinctPatients), or anyPatient.
type patientOf struct {
	position uint64
	patient  int32
}

// anyPatient marks an event of several patients.
const anyPatient = int32(-1)

// mine takes a row of the record: which of the event's patients it is. An event may name the record under two of its identifiers.
func (v *verdicts) mine(position uint64, patient, patients uint16) {
	if patients > 1 {
		v.ours[patientOf{position, anyPatient}] = true
		v.ours[patientOf{position, int32(patient)}] = true
	}
}

// add takes an access of the whole answer, of which the report that is shown counts.
func (v *verdicts) add(a *access) {
	v.positions = append(v.positions, uint64(a.shown.position))
}

// want asks for the accesses of a page; alone says that nothing else was added.
func (v *verdicts) want(page []*access, alone bool) {
	for _, a := range page {
		v.page[uint64(a.shown.position)] = judgement{}
		if alone {
			v.add(a)
		}
	}
}

// load finds the judgements.
func (v *verdicts) load(ctx context.Context) error {
	return v.each(ctx, func(position uint64, j judgement) {
		v.counts[j.verdict]++
		if _, shown := v.page[position]; shown {
			v.page[position] = j
		}
	})
}

// each finds the judgement of every access.
func (v *verdicts) each(ctx context.Context, told func(position uint64, j judgement)) error {
	judged, err := v.pin.judgedAny(ctx)
	if err != nil {
		return err
	}
	if !judged { // no detector ever wrote anything
		for _, position := range v.positions {
			told(position, judgement{})
		}
		return nil
	}
	for chunk := range slices.Chunk(v.positions, verdictChunk) {
		found := make(map[uint64]judgement, len(chunk))
		if err := v.pin.judgements(ctx, chunk, v.ours, found); err != nil {
			return err
		}
		for _, position := range chunk {
			told(position, found[position])
		}
	}
	return nil
}

// judgements reads the verdicts on some accesses into found. ours, where it knows an event, says whose verdicts on it count.
func (p *pin) judgements(ctx context.Context, accesses []uint64, ours map[patientOf]bool, found map[uint64]judgement) error {
	return p.lastJudgements(ctx, accesses, func(of reportKey, j judgement) {
		if ours[patientOf{of.position, anyPatient}] && !ours[patientOf{of.position, int32(of.ordinal)}] {
			return
		}
		if j.tells(found[of.position]) {
			found[of.position] = j
		}
	})
}

// statedJudgement is a judgement and the message that says it. place has the message's number also where nothing documents it.
type statedJudgement struct {
	judgement
	place placeOfDocument
}

// after reports whether this one replaces the other: the later one, and of one message, in which patients beyond the 65,535th of an event
// share a number, the one that least accounts for it.
func (s statedJudgement) after(other statedJudgement) bool {
	return cmp.Or(
		cmp.Compare(s.cause, other.cause), cmp.Compare(s.place.sequence, other.place.sequence), cmp.Compare(s.concern(), other.concern()),
		cmp.Compare(s.explanation, other.explanation), cmp.Compare(s.place.number, other.place.number)) > 0
}

// lastJudgements tells the latest judgement on each patient of some events, by position and patient.
func (p *pin) lastJudgements(ctx context.Context, events []uint64, told func(of reportKey, j judgement)) error {
	var of reportKey
	var last statedJudgement
	found := false
	err := p.query(ctx, "verdicts", store.Params{"accesses": events}, func(row store.Row) error {
		var next reportKey
		var verdict, explanation uint8
		var s statedJudgement
		err := row.Scan(&next.position, &next.ordinal, &verdict, &explanation, &s.closed, &s.cause, &s.place.sequence, &s.place.number)
		if err != nil {
			return err
		}
		s.verdict, s.explanation = v1.Verdict(verdict), v1.Explanation(explanation)
		if s.place.number > 0 {
			s.document = s.place
		}
		switch {
		case found && next == of:
			if s.after(last) {
				last = s
			}
			return nil
		case found:
			told(of, last.judgement)
		}
		of, last, found = next, s, true
		return nil
	})
	if err != nil {
		return fmt.Errorf("read verdicts: %w", err)
	}
	if found {
		told(of, last.judgement)
	}
	return nil
}

// mark writes the judgements into the accesses of the page.
func (v *verdicts) mark(ctx context.Context, page []*v1.Access) error {
	places := make([]placeOfDocument, len(page))
	for i, a := range page {
		places[i] = v.page[a.Position].document
	}
	documents, err := v.pin.documents(ctx, places)
	if err != nil {
		return err
	}
	blind := map[uint64][]string{}
	for _, a := range page {
		j := v.page[a.Position]
		a.Verdict, a.Explanation, a.Document = j.verdict, j.explanation, v.pin.told(documents[j.document], a.Position)
		if j.verdict != v1.Verdict_VERDICT_UNSPECIFIED {
			a.Standing = standingOf(j.closed)
		}
		if j.verdict == v1.Verdict_VERDICT_NOT_ASSESSABLE {
			blind[j.cause] = nil
		}
	}
	if len(blind) == 0 {
		return nil
	}
	causes := make([]uint64, 0, len(blind))
	for cause := range blind {
		causes = append(causes, cause)
	}
	slices.SortFunc(causes, cmp.Compare[uint64])
	err = v.pin.query(ctx, "missing_context", store.Params{"causes": causes}, func(row store.Row) error {
		var cause uint64
		var missing []string
		err := row.Scan(&cause, &missing)
		blind[cause] = missing
		return err
	})
	if err != nil {
		return fmt.Errorf("read what context was missing: %w", err)
	}
	for _, a := range page {
		if a.Verdict == v1.Verdict_VERDICT_NOT_ASSESSABLE {
			a.Missing = blind[v.page[a.Position].cause]
		}
	}
	return nil
}

// total writes how many accesses have which verdict.
func (v *verdicts) total(t *v1.WhoViewedTotals) {
	t.Explained, t.Unexplained = v.counts[v1.Verdict_VERDICT_EXPLAINED], v.counts[v1.Verdict_VERDICT_UNEXPLAINED]
	t.NotAssessable, t.NotJudged = v.counts[v1.Verdict_VERDICT_NOT_ASSESSABLE], v.counts[v1.Verdict_VERDICT_UNSPECIFIED]
}

// markVerdicts says of a page, whoever its events name, how detectors judged it.
func (p *pin) markVerdicts(ctx context.Context, page []*v1.Access) error {
	v := p.verdicts()
	for _, a := range page {
		v.positions = append(v.positions, a.Position)
		v.page[a.Position] = judgement{}
	}
	if err := v.load(ctx); err != nil {
		return err
	}
	return v.mark(ctx, page)
}
