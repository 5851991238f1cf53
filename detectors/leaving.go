package detectors

import (
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// goesOn is how much later another employment may begin, for both to be one. Ours.
const goesOn = 24 * time.Hour

// leavingExport (D13): something was printed or exported by somebody who, by the staff list as it is known when the day is judged, is
// about to leave. Who takes records along does so in the last weeks.
func leavingExport() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "LeavingExport", Catalogue: "D13", Key: KeyReader, Peers: PeersGroup, Needs: NeedsRoles,
			Words: []string{
				"printed or exported something before leaving", "printed or exported from several records before leaving",
				"exported much before leaving",
			},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			n := &j.numbers
			documents, records := d.takenOut()
			switch {
			case documents == 0:
				return Blind // what is usual is counted among days on which something left
			case j.leaves(d) == 0:
				return Quiet
			case documents >= n[leavingMuch] || records >= n[leavingMany]:
				return 3
			case records >= n[leavingRecords]:
				return 2
			}
			return 1
		},
		tell: func(t *teller, d *ReaderDay, _ Grade) string {
			last := localDay(t.judge.leaves(d)-1, t.zone) // the last day that is part of it
			return "By the staff list, this reader leaves the hospital on " + t.dateOf(last) + ", soon after this was printed or exported."
		},
		normal: "A hand-over that somebody asked for would have made it normal.",
	}
}

// takenOut is how many documents were printed or exported on a day, and of how many records.
func (d *ReaderDay) takenOut() (documents, records int64) {
	for k := range d.Pairs {
		if d.Pairs[k].Signs&(SignPrint|SignExport) != 0 {
			records++
		}
	}
	return int64(d.Exports + d.Prints), records
}

// leaves is when the reader, who is employed on the day, leaves soon after it, and no employment goes on or begins later; 0: they do not. A
// short employment was always going to end.
func (j *judge) leaves(d *ReaderDay) int64 {
	roles, at := d.Staff.Roles, d.Accesses[0].Occurred // roles are by their beginning
	from, until := facts.Forever, int64(0)
	for i := range roles {
		p := roles[i].Period
		switch {
		case p.Until <= at:
		case p.Until-at > j.numbers.days(leavingDays):
			return 0
		case p.From <= at:
			from, until = min(from, p.From), max(until, p.Until)
		}
	}
	if until == 0 {
		return 0
	}
	for _, r := range slices.Backward(roles) { // what went before it without a break is the same employment
		if p := r.Period; p.From < from && p.Until >= from-goesOn.Microseconds() {
			from = p.From
		}
	}
	if until-from < j.numbers.days(employedDays) {
		return 0
	}
	return until
}
