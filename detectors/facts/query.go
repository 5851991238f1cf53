package facts

import (
	"cmp"
	"slices"
	"strings"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

	"github.com/readtrail/readtrail/proto/fhirid"
)

// Text is what a number of texts stands for; "" for 0.
func (s *State) Text(id ID) string {
	if id <= 0 || id > s.texts.size() {
		return ""
	}
	return string(s.texts.text(id))
}

// TextID is the number of a text, a new one when it has none; 0 for "". Codes are folded: lower case.
func (s *State) TextID(text string) ID { return s.textPlain(text) }

// Reader is the number of an event's reader: whoever goes by one of its identifiers, one of whom a Practitioner was read
// first; else by name within the source. It makes one when there is none. 0 is nobody.
func (s *State) Reader(e *v1.Reader, source string) ID {
	first, unknown := (*v1.Identifier)(nil), ID(0)
	for _, id := range e.GetIdentifiers() {
		if id.GetValue() == "" {
			continue
		}
		if first == nil {
			first = id
		}
		n := s.staff.lookup(s.find(&s.staff, id.GetSystem(), id.GetValue()))
		if n != 0 && s.isKnownStaff(n) {
			return n
		}
		if unknown == 0 {
			unknown = n
		}
	}
	if unknown != 0 {
		return unknown
	}
	var n ID
	if first != nil {
		n = s.staff.mention(s.keyOf(&s.staff, first.GetSystem(), first.GetValue()))
	} else if name := fold(e.GetName(), ""); name != "" {
		n = s.staff.mention(s.staff.keyOf(s.system(className, source, ""), name))
	} else {
		return 0
	}
	if p := s.person(n); p.display == 0 {
		p.display = s.TextID(e.GetName())
	}
	s.settle()
	return s.staff.canon[n]
}

// Account is the number of the reader whose account an entity of an event names. An identifier of which only the source is known is one of
// the source's readers.
func (s *State) Account(id *v1.Identifier, source string) ID {
	return s.Reader(&v1.Reader{Identifiers: []*v1.Identifier{s.account(id, source)}}, source)
}

// KnownAccount is Account of a reader who is known, from an event or a fact; else 0.
func (s *State) KnownAccount(id *v1.Identifier, source string) ID {
	id = s.account(id, source)
	return s.staff.lookup(s.find(&s.staff, id.GetSystem(), id.GetValue()))
}

func (s *State) account(id *v1.Identifier, source string) *v1.Identifier {
	if id.GetSystem() == s.local(source) && !strings.Contains(id.GetValue(), "/") {
		return &v1.Identifier{System: s.bare(source, false), Value: id.GetValue()}
	}
	return id
}

// PatientOf is the number of an event's patient, with merges followed as they are known now. It makes one when there is none.
// 0 is an unresolved patient.
func (s *State) PatientOf(p *v1.Patient) ID {
	first, unknown := (*v1.Identifier)(nil), ID(0)
	for _, id := range p.GetIdentifiers() {
		if id.GetValue() == "" {
			continue
		}
		if first == nil {
			first = id
		}
		n := s.patients.lookup(s.find(&s.patients, id.GetSystem(), id.GetValue()))
		if n != 0 && s.Patient(n).Known {
			return n
		}
		if unknown == 0 {
			unknown = n
		}
	}
	if unknown != 0 || first == nil {
		return unknown
	}
	n := s.patients.mention(s.keyOf(&s.patients, first.GetSystem(), first.GetValue()))
	s.settle()
	return s.patients.canon[n]
}

// KnownPatient is the number of the patient of whom a resource was read and who goes by one of the identifiers; 0 is none. It makes
// nobody: the identifiers may be those of an account.
func (s *State) KnownPatient(ids []*v1.Identifier) ID {
	for _, id := range ids {
		if id.GetValue() == "" {
			continue
		}
		if n := s.patients.lookup(s.find(&s.patients, id.GetSystem(), id.GetValue())); n != 0 && s.Patient(n).Known {
			return s.patients.canon[n]
		}
	}
	return 0
}

// Canonical is the number by which a patient is known now, after merges.
func (s *State) Canonical(p ID) ID {
	if p <= 0 || p > s.patients.size() {
		return p
	}
	return s.patients.canon[p]
}

// SamePatient are all numbers of a patient, ascending: those of records that were merged stay numbers. Read it only.
func (s *State) SamePatient(p ID) []ID { return s.patients.same(p) }

// SameStaff are all numbers of a member of staff, ascending. Read it only.
func (s *State) SameStaff(n ID) []ID { return s.staff.same(n) }

// CanonicalStaff is the number by which a member of staff is known now: facts of several sources may turn out to be about one.
func (s *State) CanonicalStaff(n ID) ID {
	if n <= 0 || n > s.staff.size() {
		return n
	}
	return s.staff.canon[n]
}

// CanonicalDepartment is the number by which a department is known now.
func (s *State) CanonicalDepartment(n ID) ID {
	if n <= 0 || n > s.departments.size() {
		return n
	}
	return s.departments.canon[n]
}

// Department is the number of a department by its name, reference ("Location/1"), id or code. It makes one when there is none;
// 0 for "".
func (s *State) Department(text string) ID {
	text = strings.TrimSpace(text)
	folded := fold(text, "")
	if folded == "" {
		return 0
	}
	if n := s.departmentOf(text); n != 0 {
		return n
	}
	sp := &s.departments
	k := sp.keyOf(s.system(className, "", ""), folded)
	if slash := strings.LastIndexByte(text, '/'); slash > 0 && fhirid.IsType(text[:slash]) {
		k = sp.keyOf(s.system(classWeak, "", ""), strings.ToLower(text))
	}
	n := sp.mention(k)
	s.settle()
	return sp.canon[n]
}

// DepartmentName is a department's name as sent, else its reference or code.
func (s *State) DepartmentName(n ID) string {
	if n <= 0 || n > s.departments.size() {
		return ""
	}
	for _, m := range s.ordered(&s.departments, s.departments.members(n)) {
		if int(m) < len(s.units) && s.units[m] != nil && s.units[m].name != 0 {
			return s.Text(s.units[m].name)
		}
	}
	return string(s.departments.keys.text(s.departments.key[s.departments.canon[n]]))
}

// WholeDepartment reports whether others are part of a department and it is part of none: a hospital rather than a ward. That
// two people work in it says little.
func (s *State) WholeDepartment(n ID) bool {
	if n <= 0 || n > s.departments.size() {
		return false
	}
	whole := false
	for _, m := range s.departments.members(n) {
		if int(m) >= len(s.units) || s.units[m] == nil {
			continue
		}
		if u := s.units[m]; u.parent != 0 && s.departments.canon[u.parent] != s.departments.canon[n] {
			return false
		}
		whole = whole || s.units[m].parts > 0
	}
	return whole
}

// Patient is what is known about a patient. It is never nil; read it only.
func (s *State) Patient(n ID) *Patient {
	if n <= 0 || n > s.patients.size() {
		return &s.noPatient
	}
	n = s.patients.canon[n]
	if p := s.mergedPatients[n]; p != nil {
		return p
	}
	if int(n) < len(s.records) && s.records[n] != nil {
		return &s.records[n].Patient
	}
	return &s.noPatient
}

// Staff is what is known about a member of staff. It is never nil; read it only.
func (s *State) Staff(n ID) *Staff {
	if n <= 0 || n > s.staff.size() {
		return &s.noStaff
	}
	if p := s.mergedStaff[s.staff.canon[n]]; p != nil {
		return p
	}
	return &s.noStaff
}

// Identifier is a patient's first identifier, for notes and slots; nil for 0.
func (s *State) Identifier(patient ID) *v1.Identifier { return s.identifierOf(&s.patients, patient) }

// RecordNumber is the number under which people know a record: the first identifier that is no reference, by system and value; else
// the identifier that there is. "" for 0.
func (s *State) RecordNumber(patient ID) string {
	if patient <= 0 || patient > s.patients.size() {
		return ""
	}
	for _, m := range s.ordered(&s.patients, s.patients.members(patient)) {
		system, number := "", ""
		for _, k := range append([]ID{s.patients.key[m]}, claimed(s.patients.claims[m])...) {
			sy, value := s.identifierAt(&s.patients, k)
			if !strings.Contains(value, "/") && (number == "" || sy < system || sy == system && value < number) {
				system, number = sy, value
			}
		}
		if number != "" {
			return number
		}
	}
	return s.Identifier(patient).GetValue()
}

func claimed(claims []claim) []ID {
	out := make([]ID, len(claims))
	for i, c := range claims {
		out[i] = c.key
	}
	return out
}

// StaffIdentifier is the first identifier of a member of staff, for notes and slots; nil for 0.
func (s *State) StaffIdentifier(staff ID) *v1.Identifier { return s.identifierOf(&s.staff, staff) }

func (s *State) identifierOf(sp *space, n ID) *v1.Identifier {
	if n <= 0 || n > sp.size() {
		return nil
	}
	if group := sp.members(n); len(group) > 1 {
		n = s.ordered(sp, group)[0]
	}
	system, value := s.identity(sp, n)
	return &v1.Identifier{System: system, Value: value}
}

// identity is the identifier that a node stands for.
func (s *State) identity(sp *space, n ID) (system, value string) {
	return s.identifierAt(sp, sp.key[n])
}

// identifierAt is the identifier that a key stands for.
func (s *State) identifierAt(sp *space, key ID) (system, value string) {
	sys, rest := sp.keys.entry(key)
	system, part, _ := strings.Cut(s.Text(sys)[1:], "\x00")
	return system, part + string(rest)
}

// ordered lists the nodes of an entity so that it does not depend on what was mentioned first: those of which a resource was
// read, then by identifier.
func (s *State) ordered(sp *space, group []ID) []ID {
	if len(group) == 1 {
		return group
	}
	group = slices.Clone(group)
	slices.SortFunc(group, func(a, b ID) int {
		if x, y := s.isRead(sp, a), s.isRead(sp, b); x != y {
			if x {
				return -1
			}
			return 1
		}
		systemA, valueA := s.identity(sp, a)
		systemB, valueB := s.identity(sp, b)
		return cmp.Or(strings.Compare(systemA, systemB), strings.Compare(valueA, valueB))
	})
	return group
}

// isRead reports whether a node is that of a resource that was read.
func (s *State) isRead(sp *space, n ID) bool {
	if sp == &s.patients {
		return int(n) < len(s.records) && s.records[n] != nil && s.records[n].Known
	}
	if sp == &s.staff {
		return int(n) < len(s.people) && s.people[n] != nil && s.people[n].Known
	}
	return int(n) < len(s.units) && s.units[n] != nil && s.units[n].known
}

// Display is the name of a member of staff as sent, for notes.
func (s *State) Display(staff ID) string {
	if staff <= 0 || staff > s.staff.size() {
		return ""
	}
	for _, m := range s.ordered(&s.staff, s.staff.members(staff)) {
		if int(m) < len(s.people) && s.people[m] != nil && s.people[m].display != 0 {
			return s.Text(s.people[m].display)
		}
	}
	return ""
}

// DisplayPatient is a patient's name as sent, for notes.
func (s *State) DisplayPatient(patient ID) string {
	if patient <= 0 || patient > s.patients.size() {
		return ""
	}
	for _, m := range s.ordered(&s.patients, s.patients.members(patient)) {
		if int(m) < len(s.records) && s.records[m] != nil && s.records[m].family != 0 {
			return s.Text(s.records[m].title) + s.Text(s.records[m].family)
		}
	}
	return ""
}

// Resource is the id of the resource that Care.Resource names.
func (s *State) Resource(n ID) string {
	if n <= 0 || n > s.facts.size() {
		return ""
	}
	return string(s.facts.text(n))
}

// Source is who sent the resource that Care.Resource names, and its type.
func (s *State) Source(n ID) (source, typ string) {
	if n <= 0 || n > s.facts.size() {
		return "", ""
	}
	system, _ := s.facts.entry(n)
	source, typ, _ = strings.Cut(s.Text(system), "\x00")
	return source, typ
}

// Watches are the entries of watch lists that a patient is on, by the beginning of their periods.
func (s *State) Watches(p ID) []Watch {
	if p <= 0 || p > s.patients.size() || len(s.watches) == 0 {
		return nil
	}
	var out []Watch
	for _, m := range s.patients.members(p) {
		for _, w := range s.watches[m] {
			w.Patient = s.patients.canon0(w.Patient)
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b Watch) int {
		if a.Period.From != b.Period.From {
			return compare64(a.Period.From, b.Period.From)
		}
		return int(a.fact) - int(b.fact)
	})
	return out
}

// RoleAt is the employment that holds at a time, the one that began last of several. Without one it is false: Staff.Roles then
// tells whether employments of that person were ever stated.
func (s *State) RoleAt(staff ID, at int64) (Role, bool) {
	if r := s.roleAt(staff, at); r != nil {
		return *r, true
	}
	return Role{}, false
}

func (s *State) roleAt(staff ID, at int64) *Role {
	roles := s.Staff(staff).Roles
	for i := len(roles) - 1; i >= 0; i-- {
		if roles[i].Period.Holds(at) {
			return &roles[i]
		}
	}
	return nil
}

// DepartmentAt is the department in which somebody works at a time; 0 where that is not known.
func (s *State) DepartmentAt(staff ID, at int64) ID {
	if r := s.roleAt(staff, at); r != nil {
		return r.Department
	}
	return 0
}

// DutyAt is a duty that covers a time, give or take some slack: one of the roster, else the usual hours of a role.
func (s *State) DutyAt(staff ID, at int64, slack time.Duration) (Duty, bool) {
	p := s.Staff(staff)
	give := slack.Microseconds()
	// Duties are short: those that began more than a month before are over.
	from, _ := slices.BinarySearchFunc(p.Duties, at-31*microsPerDay, func(d Duty, t int64) int { return compare64(d.Period.From, t) })
	best, found := Duty{}, false
	for _, d := range p.Duties[from:] {
		if d.Period.From-give > at {
			break
		}
		if at < d.Period.Until+give && (!found || d.Period.Holds(at)) {
			best, found = d, true
		}
	}
	if found {
		return best, true
	}
	return s.usualHours(p, at, give)
}

func (s *State) usualHours(p *Staff, at, give int64) (Duty, bool) {
	local := time.UnixMicro(at).In(s.cfg.Zone)
	for i := range p.Roles {
		r := &p.Roles[i]
		if len(r.Hours) == 0 || !r.Period.Holds(at) {
			continue
		}
		for _, h := range r.Hours {
			// What ends at midnight or later began on the day before.
			until := int(h.Until)
			if h.Until <= h.From {
				until += 24 * 60
			}
			for ahead := -1; ahead <= 1; ahead++ {
				on := func(minute int) int64 {
					return time.Date(local.Year(), local.Month(), local.Day()+ahead, 0, minute, 0, 0, s.cfg.Zone).UnixMicro()
				}
				begins, ends := on(int(h.From)), on(until)
				weekday := (int(local.Weekday()) + 7 + ahead) % 7
				if h.Days&(1<<weekday) != 0 && begins-give <= at && at < ends+give {
					return Duty{Period: Period{begins, ends}, Department: r.Department}, true
				}
			}
		}
	}
	return Duty{}, false
}

// StatesHours reports whether the usual hours of each employment that holds at a time are stated: else it may be within those that are not.
func (s *State) StatesHours(staff ID, at int64) bool {
	stated := false
	for i := range s.Staff(staff).Roles {
		if r := &s.Staff(staff).Roles[i]; r.Period.Holds(at) {
			if len(r.Hours) == 0 {
				return false
			}
			stated = true
		}
	}
	return stated
}

// HasDuties reports whether anybody's duty is known: a Slot without its Schedule is nobody's.
func (s *State) HasDuties() bool {
	return slices.ContainsFunc(s.rosters, func(r *roster) bool { return r != nil && len(r.duties) > 0 && len(r.staff) > 0 })
}

// RosterCovers reports whether there is a roster at all for the day of a time: else nobody can be called off duty.
func (s *State) RosterCovers(at int64) bool { return s.days[dayNumber(at)] > 0 }
