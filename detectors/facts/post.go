package facts

import (
	"slices"
	"strings"
)

// Post is a department, a role, or a role of a department, as a person wrote it. Zero: any.
type Post struct {
	// departments are the nodes that are meant, ascending.
	departments []ID
	code        ID
}

// Unclear says why nobody can have a post. "" where it is clear.
type Unclear string

// What makes a post unclear.
const (
	UnknownDepartment  Unclear = "no department is called so"
	SeveralDepartments Unclear = "several departments are called so"
	UnknownRole        Unclear = "the staff list has no such role"
)

// PostOf reads a post. A department goes by its reference ("Organization/1"), id, code or name (Organization, Location, HealthcareService), a role by its code
// (PractitionerRole.code); capitals, accents and signs make no difference, but for . _ - of a code. "" is any. What several departments go by is none of them: one name that a source gives to two
// organisations or to two locations joins them elsewhere, here it names neither, and the reference of each names it alone.
func (s *State) PostOf(department, role string) (Post, Unclear) {
	var p Post
	if department != "" {
		var why Unclear
		if p.departments, why = s.departmentsMeant(department); why != "" {
			return Post{}, why
		}
	}
	if role != "" {
		if p.code = s.texts.find(0, fold(role, "._-")); p.code == 0 {
			return Post{}, UnknownRole
		}
	}
	return p, ""
}

// HasPost reports whether the staff list says of somebody that they have a post at a time, by the employment that began last (RoleAt).
func (s *State) HasPost(staff ID, at int64, p *Post) bool {
	r := s.roleAt(staff, at)
	if r == nil || p.code != 0 && r.Code != p.code {
		return false
	}
	if len(p.departments) == 0 {
		return true
	}
	for _, m := range s.staff.same(staff) { // which of the departments of one name it is, the employment itself says
		if int(m) >= len(s.people) || s.people[m] == nil {
			continue
		}
		for _, own := range s.people[m].Roles {
			if own.fact == r.fact && own.Code == r.Code && own.Period.Holds(at) && s.departments.canon0(own.Department) == r.Department && p.in(own.Department) {
				return true
			}
		}
	}
	return false
}

// AnybodyHas reports whether the staff list says of anybody that they have a post at some time of a period.
func (s *State) AnybodyHas(p *Post, in Period) bool {
	return slices.ContainsFunc(s.people, func(who *person) bool {
		return who != nil && slices.ContainsFunc(who.Roles, func(r Role) bool {
			return r.Period.From < in.Until && in.From < r.Period.Until && (p.code == 0 || r.Code == p.code) && (len(p.departments) == 0 || p.in(r.Department))
		})
	})
}

func (p *Post) in(department ID) bool {
	_, in := slices.BinarySearch(p.departments, department)
	return in
}

// departmentsMeant are the nodes of the one department that goes by a text, ascending.
func (s *State) departmentsMeant(text string) ([]ID, Unclear) {
	sp := &s.departments
	var meant []ID
	for _, k := range [...]ID{
		sp.keys.find(s.texts.find(0, weakSystem), strings.ToLower(strings.TrimSpace(text))),
		sp.keys.find(s.texts.find(0, nameSystem), fold(text, "")),
	} {
		if k == 0 {
			continue
		}
		for _, n := range append([]ID{sp.node[k], sp.first[k]}, sp.more[k]...) {
			switch {
			case n == 0:
			case meant == nil:
				meant = s.apart(n)
			case !slices.Contains(meant, n):
				return nil, SeveralDepartments
			}
		}
	}
	if meant == nil {
		return nil, UnknownDepartment
	}
	return meant, ""
}

// apart are the nodes that are one department with n, ascending: all that keys connect with it, unless their names connect what a source has as two organisations or as
// two locations. Then they are those that something else connects with it: an identifier, or that one is a part of the other.
func (s *State) apart(n ID) []ID {
	sp := &s.departments
	all := sp.members(n)
	if len(all) == 1 {
		return all
	}
	head := make(map[ID]ID, len(all)) // the smallest node of each group
	for _, m := range all {
		head[m] = m
	}
	join := func(a, b ID) {
		from, to := max(head[a], head[b]), min(head[a], head[b])
		for _, m := range all {
			if head[m] == from {
				head[m] = to
			}
		}
	}
	byKey := map[ID]ID{}
	for _, m := range all {
		for _, k := range append([]ID{sp.key[m]}, claimed(sp.claims[m])...) {
			if s.classOf(sp, k) == className || !sp.connects(k) {
				continue
			}
			if other, had := byKey[k]; had {
				join(m, other)
			}
			byKey[k] = m
		}
		if int(m) < len(s.units) && s.units[m] != nil && head[s.units[m].parent] != 0 {
			join(m, s.units[m].parent)
		}
	}
	groups := map[ID]ID{} // of each source and type, the group that has one
	several := false
	for _, m := range all {
		if s.classOf(sp, sp.key[m]) != classReference {
			continue
		}
		system := sp.keys.system(sp.key[m])
		group, had := groups[system]
		several = several || had && group != head[m]
		groups[system] = head[m]
	}
	if !several {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(m ID) bool { return head[m] != head[n] })
}

// classOf is the class of a key; 0 where it has none.
func (s *State) classOf(sp *space, k ID) byte {
	system := sp.keys.system(k)
	if system == 0 {
		return 0
	}
	return s.Text(system)[0]
}
