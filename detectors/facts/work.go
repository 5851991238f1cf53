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
	if t := d.target(d.get(0, "partOf"), f.local); !t.isZero() {
		if k := s.targetKey(f, &s.departments, &t); k != 0 {
			if form := d.concept(d.first(0, "physicalType")) + d.concept(d.first(0, "form")); form == "bd" || form == "ro" {
				keys = append(keys, k)
			} else if typ == "Organization" {
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

func (s *State) rosterAt(n ID) *roster {
	for len(s.rosters) <= int(n) {
		s.rosters = append(s.rosters, &roster{})
	}
	return s.rosters[n]
}

func (s *State) applySchedule(f *fact) {
	sys, rest := s.identify(f.local, "Schedule/"+f.GetResourceId())
	n := s.schedules.number(sys, rest)
	s.setRoster(n, nil, 0)
	s.about[f.n] = n
	if f.GetDeleted() {
		return
	}
	staff, department := s.actors(f, 0)
	s.setRoster(n, staff, department)
}

// actors are whom a Schedule names.
func (s *State) actors(f *fact, i int) (staff []ID, department ID) {
	for a := range f.doc.walk(i, "actor") {
		t := f.doc.target(a, f.local)
		kind := kindOfTarget(&t)
		if kind == isUnknown && t.idValue != "" {
			kind = isStaff // places go by reference or by name
		}
		switch kind {
		case isStaff:
			if n := s.staffNode(f, &t); n != 0 {
				staff = insertID(staff, n)
			}
		case isDepartment, isUnknown:
			if department == 0 {
				department = s.departmentNode(f, &t)
			}
		}
	}
	return staff, department
}

func (s *State) setRoster(n ID, staff []ID, department ID) {
	r := s.rosterAt(n)
	for _, m := range r.staff {
		p := s.person(m)
		p.schedules = slices.DeleteFunc(p.schedules, func(have ID) bool { return have == n })
		s.staff.dirty = append(s.staff.dirty, m)
	}
	r.staff, r.department = staff, department
	r.nameDepartment(s.departments.canon0(department))
	if department != 0 {
		u := s.unit(department)
		u.rosters = insertID(u.rosters, n)
	}
	for _, m := range staff {
		p := s.person(m)
		p.schedules = insertID(p.schedules, n)
		s.staff.dirty = append(s.staff.dirty, m)
	}
}

// applySlot reads a busy Slot: a duty of whoever its Schedule is for. Delimited text brings the Schedule along, contained.
func (s *State) applySlot(f *fact) {
	d := f.doc
	if n := s.about[f.n]; n != 0 {
		s.dropDuty(n, f.n)
	}
	s.about[f.n] = 0
	start, ok1 := instant(d.field(0, "start"), s.cfg.Zone)
	end, ok2 := instant(d.field(0, "end"), s.cfg.Zone)
	if f.GetDeleted() || !ok1 || !ok2 {
		return
	}
	switch d.field(0, "status") {
	case "busy", "busy-tentative", "":
	default:
		return // free, entered in error
	}
	n := s.scheduleOf(f)
	if n == 0 {
		return
	}
	s.about[f.n] = n
	r := s.rosterAt(n)
	duty := Duty{Period: Period{start.From, endOf(end)}, Department: s.departments.canon0(r.department), fact: f.n}
	i, _ := slices.BinarySearchFunc(r.duties, duty, compareDuties)
	r.duties = slices.Insert(r.duties, i, duty)
	s.countDuty(duty.Period, 1)
	s.staff.dirty = append(s.staff.dirty, r.staff...)
}

func (s *State) dropDuty(n, fact ID) {
	r := s.rosterAt(n)
	i := slices.IndexFunc(r.duties, func(d Duty) bool { return d.fact == fact })
	if i < 0 {
		return
	}
	s.countDuty(r.duties[i].Period, -1)
	r.duties = slices.Delete(r.duties, i, i+1)
	s.staff.dirty = append(s.staff.dirty, r.staff...)
}

// scheduleOf is the number of a Slot's schedule. A contained one is known by its actors: all slots of a person share it.
func (s *State) scheduleOf(f *fact) ID {
	d := f.doc
	ref := d.field(d.get(0, "schedule"), "reference")
	if !strings.HasPrefix(ref, "#") {
		t := d.target(d.get(0, "schedule"), f.local)
		if t.value == "" {
			return 0
		}
		sys, rest := s.identify(t.system, t.value)
		return s.schedules.number(sys, rest)
	}
	for c := range d.walk(0, "contained") {
		if d.field(c, "id") != ref[1:] {
			continue
		}
		staff, department := s.actors(f, c)
		var key []byte
		for _, n := range append(slices.Clone(staff), -department) {
			key = appendID(key, n)
		}
		n := s.schedules.number(s.system(className, "", "actors"), string(key))
		if r := s.rosterAt(n); len(r.staff) == 0 && len(staff) > 0 {
			s.setRoster(n, staff, department)
		}
		return n
	}
	return 0
}

func appendID(b []byte, n ID) []byte { return append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n)) }

func compareDuties(a, b Duty) int {
	switch {
	case a.Period.From != b.Period.From:
		return compare64(a.Period.From, b.Period.From)
	case a.Period.Until != b.Period.Until:
		return compare64(a.Period.Until, b.Period.Until)
	}
	return int(a.fact) - int(b.fact)
}
