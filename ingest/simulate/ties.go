package simulate

// descend finds the parents of a household among those who were there before: for most somebody of the right age
// lives in town. Two in three keep the surname; of the others the first person brings it back as a maiden name.
func (h *Hospital) descend(hh *household) {
	d := h.roll(forTies, uint64(hh.first), 0)
	if len(h.households) == 0 || !d.chance(800) {
		return
	}
	founder := &h.persons[hh.first]
	for range 6 {
		k := d.n(len(h.households))
		parents := &h.households[k]
		head := &h.persons[parents.first]
		if years := (founder.birthDay - head.birthDay) / 365; years < 20 || years > 42 {
			continue
		}
		hh.parents, parents.child = int32(k)+1, int32(len(h.households))+1
		if founder.female && hh.size > 1 && d.chance(600) {
			founder.maiden = head.surname + 1
			return
		}
		for i := range hh.size {
			if p := &h.persons[hh.first+i]; p.surname == founder.surname && i > 0 {
				p.surname = head.surname
			}
		}
		founder.surname = head.surname
		return
	}
}

// atWork is the surname that somebody is known by at work: of those who took another, two in five kept the first one there.
func (p *person) atWork() string {
	if p.maiden > 0 && p.birthDay&7 < 3 {
		return surnames[p.maiden-1]
	}
	return p.family()
}

// relatives calls f with the people of somebody's household, of their parents' and of their children's, other than
// themselves, until it returns false.
func (h *Hospital) relatives(who int32, f func(person int32) bool) {
	own := h.persons[who].household
	for _, k := range [3]int32{own, h.households[own].parents - 1, h.households[own].child - 1} {
		if k < 0 {
			continue
		}
		hh := &h.households[k]
		for i := hh.first; i < hh.first+hh.size; i++ {
			if i != who && !f(i) {
				return
			}
		}
	}
}

// staffKin is a relative of a patient who works in the house, or -1.
func (h *Hospital) staffKin(patient int32) int32 {
	found := int32(-1)
	h.relatives(h.patients[patient].person, func(i int32) bool {
		found = h.persons[i].staff
		return found < 0
	})
	return found
}

// relativesOf are the patients among the relatives of one of the staff.
func (h *Hospital) relativesOf(staff int32) []int32 {
	var out []int32
	h.relatives(h.staff[staff].person, func(i int32) bool {
		if n := h.persons[i].patient; n >= 0 {
			out = append(out, n)
		}
		return true
	})
	return out
}

// tie is a couple that came apart: one works in the house, the other has a record there.
type tie struct {
	staff, patient int32
	trace          trace
	ended          int32 // day of the hospital
}

// trace is what of a couple is left on file, if anything.
type trace uint8

const (
	noTrace      trace = iota
	sharedHome         // the staff member's former address is where the patient lives
	formerHome         // the patient's former address is where the staff member lives
	namedContact       // the patient's contact, as former spouse
	related            // a RelatedPerson with the code for a former spouse
	homeAndContact
)

// part gives one in eight of the staff a former partner, most of whom they leave alone.
func (h *Hospital) part() {
	h.tieOf, h.tieTo = map[int32]int32{}, map[int32]int32{}
	for i := range h.staff {
		m := &h.staff[i]
		d := h.roll(forTies, uint64(i), 1)
		a := &h.persons[m.person]
		if !d.chance(125) || h.age(a, 0) < 25 {
			continue
		}
		for range 40 {
			patient := int32(d.n(len(h.patients)))
			b := &h.persons[h.patients[patient].person]
			apart := b.household != a.household && b.staff < 0 && !h.patients[patient].vip && h.patients[patient].died == never
			if _, taken := h.tieTo[patient]; taken || !apart || h.age(b, 0) < 24 || absolute(h.age(a, 0)-h.age(b, 0)) > 9 ||
				a.female == b.female && !d.chance(50) {
				continue
			}
			left := trace(d.pick([]int{200, 300, 200, 200, 100}))
			h.tie(tie{int32(i), patient, left, int32(-d.between(100, 1500))})
			break
		}
	}
}

// tie keeps a couple; of an earlier one of either nothing is known any more.
func (h *Hospital) tie(t tie) {
	if k, ok := h.tieOf[t.staff]; ok {
		delete(h.tieTo, h.ties[k].patient)
	}
	if k, ok := h.tieTo[t.patient]; ok {
		delete(h.tieOf, h.ties[k].staff)
	}
	h.tieOf[t.staff], h.tieTo[t.patient] = int32(len(h.ties)), int32(len(h.ties))
	h.ties = append(h.ties, t)
}

// exOf returns the former couple that one of the staff was half of.
func (h *Hospital) exOf(staff int32) (tie, bool) {
	k, ok := h.tieOf[staff]
	if !ok {
		return tie{}, false
	}
	return h.ties[k], true
}

// exTo returns the former couple that a patient was half of.
func (h *Hospital) exTo(patient int32) (tie, bool) {
	k, ok := h.tieTo[patient]
	if !ok {
		return tie{}, false
	}
	return h.ties[k], true
}
