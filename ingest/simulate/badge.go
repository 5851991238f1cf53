package simulate

// badge is how events name one of the staff: pieces of JSON made once, because every event needs them.
type badge struct {
	login string
	// who is a Reference with logical id, staff number and name; whoID the same without the logical id.
	who, whoID []byte
	// role is the list of CodeableConcept for agent.role.
	role []byte
}

func (h *Hospital) badges() {
	h.badge = make([]badge, len(h.staff))
	for i := range h.staff {
		m, b := &h.staff[i], &h.badge[i]
		p := &h.persons[m.person]
		b.login = loginOf(p, i)
		b.whoID = append(b.whoID, `"type":"Practitioner","identifier":{"system":"`+StaffSystem+`","value":"`...)
		b.whoID = h.appendStaffNumber(b.whoID, int32(i))
		b.whoID = append(b.whoID, `"},"display":"`+p.given()+` `+p.atWork()+`"}`...)
		b.who = h.appendStaffID(append(b.who, `{"reference":"Practitioner/`...), int32(i))
		b.who = append(append(b.who, `",`...), b.whoID[len(`"type":"Practitioner",`):]...)
		b.whoID = append([]byte{'{'}, b.whoID...)
		r := &roleTable[m.role]
		b.role = append(b.role, `[{"coding":[{"code":"`+r.code+`","display":"`+r.display+`"}]}]`...)
	}
}

// loginOf is the first letter, the surname and a number, in the letters that old systems take.
func loginOf(p *person, i int) string {
	var b []byte
	for _, c := range []byte(p.given()[:1] + p.atWork()) {
		switch {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c >= 'a' && c <= 'z':
			b = append(b, c)
		}
	}
	return string(appendInt(b, i%97+1))
}
