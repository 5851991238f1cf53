package simulate

// somebody draws one of the staff, other than those from outside. Those who work for the whole house come up half as often
// as there are of them: their looks at anybody who is in care would be taken for work.
func (h *Hospital) somebody(d *dice) int32 {
	for {
		i := int32(d.n(len(h.staff)))
		m := &h.staff[i]
		if m.role != contractor && (!h.central(m.department) || d.chance(500)) {
			return i
		}
	}
}

// central departments have to do with everybody who is in care.
func (h *Hospital) central(dept uint16) bool {
	switch h.departments[dept].unit {
	case radiology, laboratory, pharmacy, registration, billing, quality, floatPool:
		return true
	case emergency, intensive, medicine, surgery, oncology, maternity, psychiatry, clinic, informatics, research, outside, units:
	}
	return false
}

// The choose functions return -1 twice when a search fails; the caller tries again.

func (h *Hospital) chooseFamily(d *dice) (reader, patient int32) {
	for range tries {
		reader := h.somebody(d)
		if all := h.relativesOf(reader); len(all) > 0 {
			return reader, all[d.n(len(all))]
		}
	}
	return -1, -1
}

func (h *Hospital) chooseExPartner(d *dice) (reader, patient int32) {
	if len(h.ties) == 0 {
		return -1, -1
	}
	t := &h.ties[d.n(len(h.ties))]
	if s := h.story; s != nil && t.staff == s.reader {
		return -1, -1
	}
	return t.staff, t.patient
}

// doors is how far apart two numbers of a street are when those behind them know each other.
const doors = 4

func (h *Hospital) chooseNeighbour(d *dice) (reader, patient int32) {
	for range tries {
		reader := h.somebody(d)
		home := &h.households[h.persons[h.staff[reader].person].household]
		start := d.n(len(h.households))
		for k := range h.households {
			hh := &h.households[(start+k)%len(h.households)]
			if hh.street != home.street || hh.first == home.first || absolute(int(hh.number)-int(home.number)) > doors {
				continue
			}
			if patient := h.persons[hh.first+int32(d.n(int(hh.size)))].patient; patient >= 0 {
				return reader, patient
			}
			break
		}
	}
	return -1, -1
}

func absolute(x int) int { return max(x, -x) }

// chooseCoworker: two of one department, or of the same profession elsewhere.
func (h *Hospital) chooseCoworker(d *dice) (reader, patient int32) {
	for range tries * 4 {
		reader, other := h.somebody(d), h.somebody(d)
		a, b := &h.staff[reader], &h.staff[other]
		patient := h.persons[b.person].patient
		if reader != other && patient >= 0 && (a.department == b.department || a.role == b.role && d.chance(60)) {
			return reader, patient
		}
	}
	return -1, -1
}

func (h *Hospital) chooseVIP(d *dice) (reader, patient int32) {
	reader = h.somebody(d)
	if len(h.vips) == 0 {
		return reader, -1
	}
	return reader, h.vips[d.n(len(h.vips))]
}

func (h *Hospital) chooseSelf(d *dice) (reader, patient int32) {
	for range tries {
		reader := h.somebody(d)
		if patient := h.persons[h.staff[reader].person].patient; patient >= 0 {
			return reader, patient
		}
	}
	return -1, -1
}

// chooseSensitive is curiosity about a record that is labelled, by somebody who has nothing to do with the patient.
func (h *Hospital) chooseSensitive(d *dice) (reader, patient int32) {
	for range tries {
		if patient := int32(d.n(len(h.patients))); h.patients[patient].sensitive > 0 {
			return h.somebody(d), patient
		}
	}
	return -1, -1
}

// chooseDeceased is curiosity about somebody who has died, or has not been there for a long time.
func (h *Hospital) chooseDeceased(d *dice) (reader, patient int32) {
	for range tries {
		if len(h.dead) == 0 {
			break
		}
		patient := h.dead[d.n(len(h.dead))]
		if died := h.patients[patient].died; died < -20 && died > -400 {
			return h.somebody(d), patient
		}
	}
	return -1, -1
}

func (h *Hospital) chooseProtected(d *dice) (reader, patient int32) {
	for range tries {
		if patient := int32(d.n(len(h.patients))); h.protected(patient) {
			return h.somebody(d), patient
		}
	}
	return -1, -1
}
