package facts

import (
	"math/bits"
	"slices"
)

// Grades of matching, per mille. They say how much two people who match so have turned out to be what it looks like: a fact
// that states it is certain, two independent properties nearly so, one alone is a hint. See the README.
const (
	gradeStated        = Grade(1000)
	gradeNameBirthHome = Grade(950)
	gradeNameBirth     = Grade(850) // less what the surname's frequency takes away
	gradeNameHome      = Grade(450) // father and son
	gradeDoor          = Grade(900)
	gradePhone         = Grade(800)
	gradeNamePhone     = Grade(900)
	gradeNameContact   = Grade(450)
	gradePhoneContact  = Grade(500)
	gradeNamesake      = Grade(100)
)

// crowdedDoor is how many people at one door still look like a household; above they look like an institution or a block of
// flats whose units nobody wrote down.
const crowdedDoor = 10

// Kinship is what a reader and a patient have to do with each other as people, as known for a time. What is missing on either
// side matches nothing.
func (s *State) Kinship(staff, patient ID, at int64) Kinship {
	k := Kinship{Metres: -1}
	if staff <= 0 || patient <= 0 || staff > s.staff.size() || patient > s.patients.size() {
		return k
	}
	staff, patient = s.staff.canon[staff], s.patients.canon[patient]
	r, p := s.Staff(staff), s.Patient(patient)
	s.homesInCommon(&k, r, p, at)
	s.phonesInCommon(&k, r, p)
	name := s.nameInCommon(&k, r, p)
	s.sameHuman(&k, staff, r, p, name)
	s.contactOf(&k, staff, r, p, at)
	s.payersOf(&k, staff, patient, r, at)
	s.colleagues(&k, staff, p, at)
	return k
}

// homesInCommon compares where they live, and lived.
func (s *State) homesInCommon(k *Kinship, r *Staff, p *Patient, at int64) {
	for i := range r.Homes {
		a := &r.Homes[i]
		for j := range p.Homes {
			b := &p.Homes[j]
			now := a.Period.Holds(at) && b.Period.Holds(at)
			if a.Door != 0 && a.Door == b.Door {
				g := s.doorGrade(a.Door)
				if now {
					k.Household = max(k.Household, g)
				} else if a.Period.From <= at && b.Period.From <= at && !a.Period.before(b.Period) && !b.Period.before(a.Period) {
					k.FormerHousehold = max(k.FormerHousehold, g)
				}
			}
			if !now {
				continue
			}
			k.SameStreet = k.SameStreet || a.Street != 0 && a.Street == b.Street
			if (a.LatE6 != 0 || a.LonE6 != 0) && (b.LatE6 != 0 || b.LonE6 != 0) {
				if m := metres(a.LatE6, a.LonE6, b.LatE6, b.LonE6); k.Metres < 0 || m < k.Metres {
					k.Metres = m
				}
			}
		}
	}
}

// before reports whether a period ended before another began: whoever moved in later did not live there together. An end
// that nobody stated (an old address without a period) is not known, so it says nothing.
func (p Period) before(other Period) bool { return p.Until > p.From+1 && p.Until <= other.From }

func (s *State) doorGrade(door ID) Grade {
	switch n := s.doors[door]; {
	case n <= crowdedDoor:
		return gradeDoor
	case n <= 3*crowdedDoor:
		return gradeDoor / 2
	default:
		return gradeDoor / 6
	}
}

func (s *State) phonesInCommon(k *Kinship, r *Staff, p *Patient) {
	for _, a := range r.Phones {
		for _, b := range p.Phones {
			if a == b {
				k.Phone = max(k.Phone, s.phoneGrade(a))
			}
		}
	}
}

// phoneGrade falls with how many people have a number; one that many share tells nothing.
func (s *State) phoneGrade(number uint64) Grade {
	n := int(s.numbers[number])
	if n > s.cfg.SharedPhone {
		return 0
	}
	return gradePhone * Grade(s.cfg.SharedPhone+2-min(max(n, 2), s.cfg.SharedPhone)) / Grade(s.cfg.SharedPhone)
}

// nameInCommon grades surnames in common, and reports whether family and given names are the same, in either order.
func (s *State) nameInCommon(k *Kinship, r *Staff, p *Patient) bool {
	same := false
	for _, a := range r.Names {
		for _, b := range p.Names {
			if a.Family == 0 || b.Family == 0 {
				continue
			}
			if a.Family == b.Family {
				k.Surname = max(k.Surname, s.surnameGrade(a.Family))
			} else {
				k.Surname = max(k.Surname, s.partGrade(a.Family, b.Family))
			}
			same = same || sameName(a, b)
		}
	}
	return same
}

func sameName(a, b Name) bool {
	if a.Given == 0 || b.Given == 0 {
		return false
	}
	return a.Family == b.Family && a.Given == b.Given || a.Family == b.Given && a.Given == b.Family
}

// surnameGrade is high for a rare surname and low for a common one: by powers of two of how many patients share it. Below a
// thousand patients nothing is known to be rare.
func (s *State) surnameGrade(family ID) Grade {
	n := max(int64(s.families[family]), 1)
	one := bits.Len64(uint64(max(int64(s.known), 1000) / n)) // 1: everybody, 10: one of 512 to 1023
	return Grade(min(max(75*(one-4), 20), 850))
}

// partGrade grades a part in common of names such as "García López"; less than the whole.
func (s *State) partGrade(a, b ID) Grade {
	if len(s.parts) == 0 {
		return 0
	}
	one, two := [1]ID{a}, [1]ID{b}
	first, okFirst := s.parts[a]
	second, okSecond := s.parts[b]
	switch {
	case !okFirst && !okSecond:
		return 0
	case !okFirst:
		first = one[:]
	case !okSecond:
		second = two[:]
	}
	best := Grade(0)
	for _, x := range first {
		for _, y := range second {
			if x == y {
				best = max(best, s.surnameGrade(x)*2/3)
			}
		}
	}
	return best
}

// sameHuman grades whether they are one. A name alone is a namesake; a birth date that differs says that they are two.
func (s *State) sameHuman(k *Kinship, staff ID, r *Staff, p *Patient, name bool) {
	switch {
	case p.Staff == staff:
		k.Same = gradeStated
	case !name || p.Staff != 0:
	case r.Birth != NoDay && p.Birth != NoDay:
		switch {
		case r.Birth != p.Birth:
		case k.Household > 0 || k.FormerHousehold > 0 || k.Phone > 0:
			k.Same = gradeNameBirthHome
		default:
			k.Same = gradeNameBirth - (850-min(k.Surname, 850))/4
		}
	case k.Household > 0 || k.Phone > 0:
		k.Same = gradeNameHome
	default:
		k.Same = min(gradeNamesake, k.Surname/4)
	}
}

// contactOf grades whether the record names the reader as a contact or relative.
func (s *State) contactOf(k *Kinship, staff ID, r *Staff, p *Patient, at int64) {
	for i := range p.Contacts {
		c := &p.Contacts[i]
		if c.From > at {
			continue
		}
		g := s.contactGrade(c, staff, r)
		if g == 0 {
			continue
		}
		former := c.Until <= at || s.former[c.Relation]
		if g > k.Contact || g == k.Contact && s.saysMore(c.Relation, k.Relation) {
			k.Contact, k.Relation, k.Former = g, c.Relation, former
		}
	}
}

func (s *State) contactGrade(c *Contact, staff ID, r *Staff) Grade {
	if c.Staff == staff {
		return gradeStated
	}
	if c.Staff != 0 {
		return 0 // somebody else of staff
	}
	names, phones := [1]Name{c.Name}, [1]uint64{c.Phone}
	named := names[:]
	if c.Name == (Name{}) {
		named = nil
	}
	return s.listedGrade(named, c.Birth, phones[:], false, r)
}

// listedGrade grades whether somebody who is listed with a patient is the reader. home: they live at the reader's door.
func (s *State) listedGrade(names []Name, birthDate int32, phones []uint64, home bool, r *Staff) Grade {
	name, rarity := false, Grade(0)
	for _, a := range r.Names {
		for _, b := range names {
			if a.Family != 0 && sameName(a, b) {
				name, rarity = true, max(rarity, s.surnameGrade(b.Family))
			}
		}
	}
	phone, otherPhone := false, false
	for _, number := range phones {
		if number != 0 && s.phoneGrade(number) > 0 {
			phone = phone || slices.Contains(r.Phones, number)
			otherPhone = len(r.Phones) > 0
		}
	}
	birth := birthDate != NoDay && r.Birth != NoDay
	switch {
	case name && birth && birthDate != r.Birth:
		return 0
	case name && (phone || birth || home):
		return gradeNamePhone
	case name && otherPhone:
		return rarity / 4
	case name:
		return Grade(int(gradeNameContact) * int(rarity) / 850)
	case phone && len(names) == 0:
		return gradePhoneContact
	case phone:
		return gradePhoneContact / 2 // their household's number
	}
	return 0
}

// saysMore prefers "spouse" to "emergency contact", then the smaller text: an order that does not depend on arrival.
func (s *State) saysMore(a, b ID) bool {
	if a == b || a == 0 {
		return false
	}
	if b == 0 || b == s.emergency {
		return true
	}
	return a != s.emergency && string(s.texts.text(a)) < string(s.texts.text(b))
}

// colleagues says whether the patient is staff: by a fact, or as the only one of that name and birth date.
func (s *State) colleagues(k *Kinship, staff ID, p *Patient, at int64) {
	other := p.Staff
	if other == 0 && p.Birth != NoDay {
		other = s.staffLike(p)
	}
	if other == 0 || other == staff {
		k.Colleague = k.Colleague || other == 0 && p.Labels&LabelEmployee != 0
		return
	}
	k.Colleague = true
	k.Team = s.team(staff, other, at)
	k.Coworker = k.Team != TeamNone
}

// team is what two of the staff have in common at work.
func (s *State) team(staff, other ID, at int64) Team {
	r, o := s.Staff(staff), s.Staff(other)
	for i := range r.Roles {
		a := &r.Roles[i]
		if a.Department == 0 || !a.Period.Holds(at) {
			continue
		}
		for j := range o.Roles {
			if b := &o.Roles[j]; a.Department == b.Department && b.Period.Holds(at) {
				return TeamDepartment
			}
		}
	}
	switch {
	case r.Manager != 0 && r.Manager == o.Manager:
		return TeamManager
	case r.Manager == other:
		return TeamManages
	case o.Manager == staff:
		return TeamReports
	}
	return TeamNone
}

func (s *State) staffLike(p *Patient) ID {
	found := ID(0)
	for _, n := range p.Names {
		for _, m := range s.humans[human{n.Family, n.Given, p.Birth}] {
			if c := s.staff.canon[m]; found == 0 {
				found = c
			} else if found != c {
				return 0
			}
		}
	}
	return found
}
