package detectors

import "github.com/readtrail/readtrail/detectors/facts"

// leftAccount (D15): an account that acts when its owner is not employed, or after a long silence. Credentials of leavers were
// used daily for a year (Memorial, 80,000 patients), or eight days after firing (New Haven).
func leftAccount() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "LeftAccount", Catalogue: "D15", Key: KeyReader, Peers: PeersAll, Hard: true, Certain: true, Needs: NeedsRoles,
			Words: []string{"after a long silence", "not employed at the time"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			switch {
			case d.Records == 0:
				return Quiet
			case d.Post.Employed < 0:
				return 2
			case j.known(d.Base) && (d.Base.returned == d.Day || int64(j.silence(d)) >= j.numbers[silentDays]):
				return 1
			}
			return Quiet
		},
		tell: func(t *teller, _ *ReaderDay, g Grade) string {
			if g == 2 {
				return "By the staff list, the owner of this account was not employed at the time."
			}
			return "The account had been silent for " + t.judge.numbers.inWords(silentDays, "day") + " or more."
		},
		normal: "An employment that had begun, or an account that was closed in time, would have prevented it.",
	}
}

// silence is how many days before this one the reader was not seen.
func (j *judge) silence(d *ReaderDay) day {
	if d.Base.last == 0 || d.Base.last >= d.Day {
		return 0
	}
	return d.Day - d.Base.last
}

// vendorAccess (D19): an outsider outside the time of a ticket or contract. 23 contracted guards, 419 patients (Yakima,
// $240,000).
func vendorAccess() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "VendorAccess", Catalogue: "D19", Key: KeyReader, Peers: PeersAll, Hard: true, Certain: true, Needs: NeedsRoles,
			Words: []string{"a vendor", "a vendor without a task at the time"},
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			if !d.Post.Vendor || d.Records == 0 {
				return Quiet
			}
			for k := range d.Pairs {
				if p := &d.Pairs[k]; p.Looks > 0 && !p.Reasons.has(ReasonTicket) && !j.coverage.lacks(NeedsTickets) {
					return 2
				}
			}
			return 1
		},
		tell: func(t *teller, d *ReaderDay, g Grade) string {
			others, known := t.judge.forOthers(d)
			switch {
			case g == 2 && others && known:
				return "The account belongs to an outside company, and the task that it had at that time names other patients."
			case g == 2 && others:
				return "The account belongs to an outside company, and the task that it had at that time names a patient who is not known here."
			case g == 2:
				return "The account belongs to an outside company, and no ticket or contract names a task for what it opened at that time."
			}
			return "The account belongs to an outside company."
		},
		normal: "A ticket for the time of the access would have made it normal.",
	}
}

// forOthers reports whether a vendor had a task each time that no task accounts for, which names others, and whether one of them is a patient
// who is known.
func (j *judge) forOthers(d *ReaderDay) (others, known bool) {
	for k := range d.Pairs {
		p := &d.Pairs[k]
		if p.Looks == 0 || p.Reasons.has(ReasonTicket) {
			continue
		}
		for i := range p.Accesses {
			at := p.Accesses[i].Occurred
			named := false
			for i := range p.Staff.Tickets {
				if t := &p.Staff.Tickets[i]; t.Patient != 0 && j.counts(p, t, at) {
					named, known = true, known || t.Patient != facts.Nobody
				}
			}
			if !named {
				return false, false
			}
		}
	}
	return true, known
}
