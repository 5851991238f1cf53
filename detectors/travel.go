package detectors

import "github.com/readtrail/readtrail/detectors/facts"

// sharedAccount (D17): one account in two departments at once. Which department a workstation belongs to is learned from who uses
// it; devices that are carried around belong to none, and a tablet at the bedside beside a desk in the same ward is everyday
// work.
func sharedAccount() readerDetector {
	return readerDetector{
		Scale: Scale{
			Name: "SharedAccount", Catalogue: "D17", Key: KeyReader, Peers: PeersGroup, Hard: true,
			Words: []string{
				"in two departments within minutes", "in two departments in turn", "in two departments in turn again and again",
				"in two departments within minutes, and in the other one with a patient of its own without a reason",
				"in two departments within minutes, and in the other one with several patients of its own without a reason",
			},
			HardFrom: 3,
		},
		grade: func(j *judge, d *ReaderDay) Grade {
			n := j.leaps(d.Accesses)
			switch far := j.farSide(d); {
			case n == 0:
				return Quiet
			case far >= 2:
				return 5
			case far == 1:
				return 4
			case int64(n) >= j.numbers[leapsAgain]:
				return 3
			case int64(n) >= j.numbers[leapsInTurn]:
				return 2
			}
			return 1
		},
		tell: func(t *teller, d *ReaderDay, _ Grade) string {
			said := "The account was at work in two departments within minutes, " + times(t.judge.leaps(d.Accesses))
			if far := t.judge.farSide(d); far > 0 {
				return said + ", and in the other one with " + count(far, "patient") +
					" in care there whom nothing connects with its owner: two people seem to use it."
			}
			return said + ": two people seem to use it."
		},
		normal: "One account for each person would have made it normal.",
	}
}

// leaps counts changes between departments that are too fast to be walked.
func (j *judge) leaps(accesses []Access) int {
	n := 0
	var here facts.ID
	var seen int64
	for i := range accesses {
		a := &accesses[i]
		at := j.placeOf(a)
		if at == 0 {
			continue
		}
		if here != 0 && at != here && a.Occurred-seen <= j.numbers.minutes(leapMinutes) {
			n++
		}
		here, seen = at, a.Occurred
	}
	return n
}

// farSide counts the records without a reason of patients who are cared for where the account jumped to: what somebody opens who works
// there, under an account whose owner does not. Who walks about, or is rung up, does not open the records of the ward that they pass.
func (j *judge) farSide(d *ReaderDay) int {
	far := map[facts.ID]bool{}
	var here facts.ID
	var seen int64
	begin, jumped := 0, false // of the stretch in one department, and whether the account jumped into it
	collect := func(until int) {
		if here == d.Post.Department || here == d.Post.DutyDepartment {
			return
		}
		for i := begin; i < until; i++ {
			a := &d.Accesses[i]
			if !a.Any(SignLook) || a.Patient == 0 || j.homeOf(a.Workstation) != here || far[a.Patient] {
				continue
			}
			if p := d.pairOf(a.Patient); p.Reasons == 0 && p.Blind == 0 && p.near.during(here) {
				far[a.Patient] = true
			}
		}
	}
	for i := range d.Accesses {
		at := j.placeOf(&d.Accesses[i])
		if at == 0 {
			continue
		}
		if at != here {
			jumps := here != 0 && d.Accesses[i].Occurred-seen <= j.numbers.minutes(leapMinutes)
			if jumped || jumps {
				collect(i)
			}
			begin, jumped = i, jumps
		}
		here, seen = at, d.Accesses[i].Occurred
	}
	if jumped {
		collect(len(d.Accesses))
	}
	return len(far)
}

// placeOf is the department whose workstation somebody was at work at; 0: none.
func (j *judge) placeOf(a *Access) facts.ID {
	if a.Workstation == 0 || a.Any(SignSystem|SignLogin|SignLogout) {
		return 0
	}
	return j.homeOf(a.Workstation)
}

// bench counts who works at a workstation, by department: a space-saving sketch of four.
type bench struct {
	departments [4]facts.ID
	days        [4]uint32
	all         uint32
}

// workstation is who works at one, and the latest day on which somebody did.
type workstation struct {
	bench
	last day
}

func (b *bench) add(department facts.ID) {
	b.all++
	least := 0
	for i := range b.departments {
		if b.departments[i] == department {
			b.days[i]++
			return
		}
		if b.days[i] < b.days[least] {
			least = i
		}
	}
	b.departments[least] = department
	b.days[least]++
}

// homeOf is the department that a workstation belongs to; 0 where there is none.
func (j *judge) homeOf(workstation facts.ID) facts.ID {
	if b := j.benches[workstation]; b != nil {
		return b.home(j.numbers[deskDays])
	}
	return 0
}

// home is where at least three in four of its days are worked; 0 where there is no such department, or less than so many days are known.
func (b *bench) home(days int64) facts.ID {
	if b == nil || int64(b.all) < days {
		return 0
	}
	for i, n := range b.days {
		if n*4 >= b.all*3 {
			return b.departments[i]
		}
	}
	return 0
}

// fade halves what was counted, and reports whether anything is left.
func (b *bench) fade() bool {
	b.all = 0
	for i := range b.days {
		b.days[i] /= 2
		b.all += b.days[i]
	}
	return b.all > 0
}
