package facts

import (
	"slices"
	"strings"
)

// unit is what hangs on a node of departments.
type unit struct {
	name ID
	// parent is the node that this one is part of.
	parent ID
	// at is the Location's own position, within the key of the Location that it is part of.
	at     position
	within ID
	// vendor: the type of the organisation is none that treats patients.
	vendor bool
	known  bool
	// parts counts nodes that are part of this one.
	parts int32
	// staff and rosters name the node.
	staff, rosters []ID
}

// roster is a Schedule: whose it is, and its busy Slots, which may come first.
type roster struct {
	staff      []ID // nodes
	department ID
	duties     []Duty // by Period.From
}

func (s *State) unit(n ID) *unit {
	for len(s.units) <= int(n) {
		s.units = append(s.units, nil)
	}
	if s.units[n] == nil {
		s.units[n] = &unit{}
	}
	return s.units[n]
}

// departmentKeys are all ways in which others write a department: identifiers and name, and, found when only one goes by
// them, the bare reference, id and code.
func (s *State) departmentKeys(f *fact, typ, name string) (ref ID, keys []ID) {
	ref, keys = s.ownKeys(f, &s.departments, typ)
	sp := &s.departments
	if folded := fold(name, ""); folded != "" {
		keys = append(keys, sp.keyOf(s.system(className, "", ""), folded))
	}
	weak := s.system(classWeak, "", "")
	keys = append(keys, sp.keyOf(weak, strings.ToLower(typ+"/"+f.GetResourceId())), sp.keyOf(weak, strings.ToLower(f.GetResourceId())))
	for _, id := range f.GetIdentifiers() {
		if !strings.HasSuffix(id.GetValue(), "/"+f.GetResourceId()) && id.GetValue() != "" {
			keys = append(keys, sp.keyOf(weak, strings.ToLower(id.GetValue())))
		}
	}
	return ref, keys
}

// applyDepartment reads Organization, Location and HealthcareService. A location is one with the organisation that manages it
// when that is a part of another (a ward, not the hospital) and with the location that it is a bed or room of.
func (s *State) applyDepartment(f *fact, typ string) {
	d := f.doc
	name := f.GetDisplay()
	if own := d.field(0, "name"); own != "" {
		name = own
	}
	ref, keys := s.departmentKeys(f, typ, name)
	n := s.departments.mention(ref)
	u := s.unit(n)
	s.setParent(n, 0)
	s.about[f.n] = n
	*u = unit{parts: u.parts, staff: u.staff, rosters: u.rosters}
	if f.GetDeleted() {
		s.departments.claim(n, f.n, nil)
		s.rolesOf(n)
		return
	}
	u.known, u.name = true, s.textPlain(name)
	for t := range d.walk(0, "type") {
		switch d.concept(t) {
		case "bus", "ins", "pay", "other", "vendor", "cg", "crs":
			u.vendor = true
		}
	}
	for _, member := range [...]string{"managingOrganization", "providedBy"} {
		if t := d.target(d.first(0, member), f.local); !t.isZero() {
			if k := s.targetKey(f, &s.departments, &t); k != 0 {
				s.setParent(n, s.departments.mention(k))
			}
		}
	}
	if typ == "Location" {
		u.at = d.position()
	}
	if t := d.target(d.get(0, "partOf"), f.local); !t.isZero() {
		if k := s.targetKey(f, &s.departments, &t); k != 0 {
			form := d.concept(d.first(0, "physicalType")) + d.concept(d.first(0, "form"))
			switch {
			case form == "bd" || form == "ro":
				keys = append(keys, k)
				u.at = position{} // that of the ward is asked for
			case typ == "Location":
				u.within = k
			case typ == "Organization":
				s.setParent(n, s.departments.mention(k))
			}
		}
	}
	slices.Sort(keys)
	s.departments.claim(n, f.n, slices.Compact(keys))
	s.rolesOf(n)
}

func (s *State) setParent(n, parent ID) {
	u := s.unit(n)
	if u.parent != 0 {
		s.unit(u.parent).parts--
	}
	if u.parent = parent; parent != 0 {
		s.unit(parent).parts++
	}
}

// rolesOf has the views of those made again who work in a department, or in one that is the same: what it is called, and
// whether it is an outsider, is part of them.
func (s *State) rolesOf(n ID) {
	for _, m := range s.departments.members(n) {
		if int(m) >= len(s.units) || s.units[m] == nil {
			continue
		}
		s.staff.dirty = append(s.staff.dirty, s.units[m].staff...)
		for _, r := range s.units[m].rosters {
			s.rosters[r].nameDepartment(s.departments.canon0(s.rosters[r].department))
		}
	}
}

func (r *roster) nameDepartment(department ID) {
	for i := range r.duties {
		r.duties[i].Department = department
	}
}

// applyRole reads PractitionerRole. A version with another department or code ends what the version before said.
func (s *State) applyRole(f *fact) {
	d := f.doc
	before := s.takeRoles(f.n)
	if n := s.about[f.n]; n != 0 {
		s.staff.claim(n, f.n, nil)
		s.staff.dirty = append(s.staff.dirty, n)
	}
	s.about[f.n] = 0
	ref, keys := s.ownKeys(f, &s.staff, "PractitionerRole")
	s.roleUnit(ref, nil, f.n)
	if f.GetDeleted() {
		return
	}
	t := d.target(d.get(0, "practitioner"), f.local)
	n := s.staffNode(f, &t)
	if n == 0 {
		n = s.staff.mention(ref) // nobody's yet: whoever refers to the role means its department
	} else {
		keys = insertID(keys, ref)
	}
	s.about[f.n] = n
	s.staff.claim(n, f.n, keys)
	p := s.person(n)
	p.Roles = append(p.Roles, s.roles(f, before)...)
	slices.SortFunc(p.Roles, compareRoles)
	for _, r := range p.Roles {
		if r.Department != 0 {
			u := s.unit(r.Department)
			u.staff = insertID(u.staff, n)
		}
	}
	s.roleUnit(ref, p.Roles, f.n)
	s.applyManager(f, n)
	s.staff.dirty = append(s.staff.dirty, n)
}

// roleUnit remembers the department of a role by its key, for those who refer to the role itself.
func (s *State) roleUnit(ref ID, roles []Role, fact ID) {
	department := ID(0)
	for _, r := range roles {
		if r.fact == fact && department == 0 {
			department = r.Department
		}
	}
	for len(s.roleUnits) <= int(ref) {
		s.roleUnits = append(s.roleUnits, 0)
	}
	s.roleUnits[ref] = department
}

func (s *State) takeRoles(fact ID) []Role {
	n := s.about[fact]
	if n == 0 {
		return nil
	}
	p := s.person(n)
	var out, kept []Role
	for _, r := range p.Roles {
		if r.fact == fact {
			out = append(out, r)
		} else {
			kept = append(kept, r)
		}
	}
	p.Roles = kept
	return out
}

// roles are those of a version, one for each department it names, and those that ended with it.
func (s *State) roles(f *fact, before []Role) []Role {
	d := f.doc
	role := Role{Period: s.period(d, d.get(0, "period")), fact: f.n, Hours: d.hours()}
	role.from = role.Period.From
	if c := d.first(0, "code"); c != none {
		role.Code = s.concept(d, c)
	}
	if d.kindOf(d.get(0, "active")) == kindFalse && role.Period.Until == Forever {
		if f.GetEffectiveUs() == 0 {
			return nil // it ended, nobody says when: that is not known, neither yes nor no
		}
		role.Period.Until = f.GetEffectiveUs()
	}
	var now []Role
	for _, member := range [...]string{"organization", "healthcareService", "location"} {
		for i := range d.walk(0, member) {
			t := d.target(i, f.local)
			if at := s.departmentNode(f, &t); at != 0 && !slices.ContainsFunc(now, func(r Role) bool { return r.Department == at }) {
				r := role
				r.Department = at
				now = append(now, r)
			}
		}
	}
	if len(now) == 0 {
		now = append(now, role)
	}
	return s.rolesAfter(f, before, now)
}

// rolesAfter adds to the roles of a new version those that it ended: with another department or code, they held until it began
// to hold. When it states the same beginning as before, that of the employment, its own roles began where the others ended.
func (s *State) rolesAfter(f *fact, before, now []Role) []Role {
	since := max(f.GetEffectiveUs(), now[0].Period.From)
	stated := now[0].Period.From
	var past []Role
	for _, b := range before {
		i := slices.IndexFunc(now, func(r Role) bool { return r.Department == b.Department && r.Code == b.Code })
		switch {
		case i >= 0 && !b.past:
			if b.from == stated {
				now[i].Period.From = max(now[i].Period.From, b.Period.From)
			}
		case b.past:
			past = append(past, b)
		case since > b.Period.From:
			b.Period.Until, b.past = min(b.Period.Until, since), true
			past = append(past, b)
			for j := range now {
				if stated <= b.Period.From && !slices.ContainsFunc(before, func(r Role) bool {
					return !r.past && r.Department == now[j].Department && r.Code == now[j].Code
				}) {
					now[j].Period.From = since
				}
			}
		}
	}
	if len(past) > s.cfg.MaxFormer { // the latest stay
		slices.SortFunc(past, compareRoles)
		past = past[len(past)-s.cfg.MaxFormer:]
	}
	return append(now, past...)
}

func compareRoles(a, b Role) int {
	switch {
	case a.Period.From != b.Period.From:
		return compare64(a.Period.From, b.Period.From)
	case a.Period.Until != b.Period.Until:
		return compare64(a.Period.Until, b.Period.Until)
	case a.fact != b.fact:
		return int(a.fact) - int(b.fact)
	}
	return compare2(a.Department, b.Department, a.Code, b.Code)
}

func compare64(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// hours reads availableTime (R4) and availability.availableTime (R5).
func (d *document) hours() []Hours {
	var out []Hours
	for _, path := range [...][]string{{"availableTime"}, {"availability", "availableTime"}} {
		for a := range d.walk(0, path...) {
			h := Hours{Until: 24 * 60}
			for day := range d.walk(a, "daysOfWeek") {
				if at := strings.Index("sunmontuewedthufrisat", d.string(day)); len(d.string(day)) == 3 && at%3 == 0 {
					h.Days |= 1 << (at / 3)
				}
			}
			if h.Days == 0 {
				h.Days = 1<<7 - 1 // no day is stated
			}
			if d.kindOf(d.get(a, "allDay")) != kindTrue {
				from, ok1 := minuteOf(d.field(a, "availableStartTime"))
				until, ok2 := minuteOf(d.field(a, "availableEndTime"))
				if !ok1 || !ok2 {
					continue
				}
				h.From, h.Until = from, until
			}
			out = append(out, h)
		}
	}
	return out
}

func minuteOf(text string) (int16, bool) {
	s := scanner{text: text}
	hour, ok1 := s.digits(2)
	minute, ok2 := s.after(':', 2)
	return int16(hour*60 + minute), ok1 && ok2 && hour <= 24 && minute < 60
}
