package proto

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Limits are the sites and departments that somebody may see accesses of. The zero Limits are none: everything is within them. An access is
// within them when its site is one of Sites and the department that its event states of the reader is one of Departments; where a list is
// empty, any is. Names are compared as FoldPlace leaves them.
type Limits struct {
	// Sites are sites as events state them; "source:<name>" stands for what that source reports without a site.
	Sites []string
	// Departments are departments of readers as events state them. An event that states none is in no department.
	Departments []string
	// Nothing says that nobody stated what they may see: nothing is within.
	Nothing bool
}

// MaxCited is how many accesses a version of an alert cites: one that cites so many may rest on more.
const MaxCited = 2_000

// Limited reports whether anything lies outside.
func (l Limits) Limited() bool { return l.Nothing || len(l.Sites) > 0 || len(l.Departments) > 0 }

// FoldPlace is the form in which sites and departments are compared: without blanks around it, A to Z as a to z. Other letters stay as they
// are: ClickHouse and Go do not fold all of them alike.
func FoldPlace(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.Trim(name, " "))
}

// SiteOf is the site that an event counts as of: the one that it states, else its source's own.
func SiteOf(e *v1.AccessEvent) string {
	if site := FoldPlace(e.GetSite()); site != "" {
		return site
	}
	return FoldPlace("source:" + e.GetSource())
}

// Within reports whether an access is within the limits. The statements of the projections say the same of their rows
// (projections/queries/limits).
func (l Limits) Within(e *v1.AccessEvent) bool {
	one := func(list []string, place string) bool {
		return len(list) == 0 || slices.ContainsFunc(list, func(x string) bool { return FoldPlace(x) == place })
	}
	department := FoldPlace(e.GetReader().GetDepartment())
	return !l.Nothing && one(l.Sites, SiteOf(e)) && (department != "" || len(l.Departments) == 0) && one(l.Departments, department)
}

// Proto is the limits as entries and answers state them; nil where there are none.
func (l Limits) Proto() *v1.Limits {
	if !l.Limited() {
		return nil
	}
	return &v1.Limits{Sites: l.Sites, Departments: l.Departments, Nothing: l.Nothing}
}

// Key tells limits apart: equal ones have equal keys, others have not, whatever stands in their names.
func (l Limits) Key() string {
	fold := func(list []string) []string {
		out := make([]string, len(list))
		for i, name := range list {
			out[i] = FoldPlace(name)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return fmt.Sprintf("%q %q %t", fold(l.Sites), fold(l.Departments), l.Nothing)
}

// Text tells the limits to people.
func (l Limits) Text() string {
	switch {
	case l.Nothing:
		return "nothing (nobody stated which sites and departments you may see)"
	case !l.Limited():
		return "everything"
	}
	var parts []string
	for _, x := range []struct {
		noun string
		list []string
	}{{"site", l.Sites}, {"department", l.Departments}} {
		switch len(x.list) {
		case 0:
		case 1:
			parts = append(parts, x.noun+" "+plainName(x.list[0]))
		default:
			names := make([]string, len(x.list))
			for i, name := range x.list {
				names[i] = plainName(name)
			}
			parts = append(parts, x.noun+"s "+strings.Join(names, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// plainName is a name as it stands in a list: in quotes where it could be taken for two.
func plainName(name string) string {
	if strings.ContainsAny(name, ",;\"") {
		return strconv.Quote(name)
	}
	return name
}
