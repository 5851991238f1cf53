package detectors

import (
	"slices"

	"github.com/readtrail/readtrail/detectors/facts"
)

// watchedRecord (D5): people of public interest, and those on a watch list with owner, reason and end.
func watchedRecord() pairDetector {
	return pairDetector{
		Scale: Scale{
			Name: "WatchedRecord", Catalogue: "D5", Key: KeyPair, Peers: PeersAll, Hard: true, Needs: NeedsWatches,
			Words: []string{"a person of public interest", "a record on a watch list"},
		},
		grade: func(j *judge, p *Pair) Grade {
			for _, w := range j.state.Watches(p.Patient) {
				if w.Period.Holds(p.First()) {
					return 2
				}
			}
			if p.Labels&facts.LabelVIP != 0 {
				return 1
			}
			return Quiet
		},
		tell: func(t *teller, p *Pair, g Grade) string {
			if g == 1 {
				return "The patient is a person of public interest."
			}
			return t.watch(p)
		},
		normal: "Being part of the team that treats this patient would have made it normal.",
	}
}

// watch tells the entry of a watch list that holds, best one with a reason: why, since when, and who asked for it.
func (t *teller) watch(p *Pair) string {
	s := t.judge.state
	all := slices.DeleteFunc(s.Watches(p.Patient), func(w facts.Watch) bool { return !w.Period.Holds(p.First()) })
	if len(all) == 0 {
		return "The record is on a watch list."
	}
	w := &all[max(0, slices.IndexFunc(all, func(w facts.Watch) bool { return w.Reason != 0 }))]
	told := "The record is on a watch list"
	if w.Reason != 0 {
		told += ": " + s.Text(w.Reason)
	}
	told += "."
	watched, day := "", func(us int64) string { return t.dateOf(t.judge.calendar.day(us)) }
	switch from, until := w.Period.From > 0, w.Period.Until != facts.Forever; {
	case from && until:
		watched = " from " + day(w.Period.From) + " to " + day(w.Period.Until-1)
	case from:
		watched = " since " + day(w.Period.From)
	case until:
		watched = " until " + day(w.Period.Until-1)
	}
	if w.Owner != 0 {
		watched += " at the request of " + s.Text(w.Owner)
	}
	if watched != "" {
		told += " It is watched" + watched + "."
	}
	return told
}

// sensitiveRecord (D14): segments that the law protects more, opened from a department that has nothing to do with them: no
// reason, or a reason that is only learned. Whom the patient's consent names for all of them (42 CFR Part 2) belongs to those who may see them,
// and still has no reason.
func sensitiveRecord() pairDetector {
	const protected = facts.LabelSubstance | facts.LabelHIV | facts.LabelMental | facts.LabelViolence | facts.LabelSexual |
		facts.LabelGenetic | facts.LabelRestricted
	return pairDetector{
		Scale: Scale{
			Name: "SensitiveRecord", Catalogue: "D14", Key: KeyPair, Peers: PeersSituation, Needs: NeedsWatches,
			Words: []string{"a specially protected part of a record"},
		},
		grade: func(j *judge, p *Pair) Grade {
			switch marked := p.Labels & protected; {
			case p.Bond() <= bondWindow, marked != 0 && j.consented(p, marked):
				return Blind // what is usual is counted among looks from elsewhere
			case marked != 0:
				return 1
			}
			return Quiet
		},
		tell: func(_ *teller, _ *Pair, _ Grade) string {
			return "The record is of a kind that the law protects more than others, such as addiction, mental health or HIV, and the " +
				"reader's department has no part in that care."
		},
		normal: "Working in the programme that treats this condition would have made it normal.",
	}
}

// consented reports whether the patient's consents let the reader see all protected parts, by naming them or their department. That a record is
// restricted follows from what it is about, and counts where nothing else is marked.
func (j *judge) consented(p *Pair, marked facts.Label) bool {
	if about := marked &^ facts.LabelRestricted; about != 0 {
		marked = about
	}
	departments := [2]facts.ID{p.Post.Department, p.Post.DutyDepartment}
	for i, d := range departments {
		if d != 0 && j.whole(d) {
			departments[i] = 0
		}
	}
	for i := range p.Accesses {
		if marked&^j.state.Consented(p.Patient, p.Reader, departments, p.Accesses[i].Occurred) != 0 {
			return false
		}
	}
	return true
}
