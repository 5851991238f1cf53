package api

import (
	"strconv"
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// noteFiltered keeps a filtered answer from being taken for the whole one.
const noteFiltered = "Only the accesses that match the filter are listed and counted: there may be others."

// keeper makes a filter a test of accesses; nil when it leaves nothing out. Of the reports of one access, one is enough.
func keeper(f *v1.AccessFilter) (func(*access) bool, error) {
	if f.GetAction() < 0 || int(f.GetAction()) >= len(v1.Action_name) {
		return nil, invalid("filter.action", "unknown")
	}
	if err := checkCondition("filter.department", f.GetDepartment()); err != nil {
		return nil, err
	}
	if f = withoutVerdicts(f); filterText(f) == "" {
		return nil, nil //nolint:nilnil // no filter is a filter that leaves nothing out
	}
	return func(a *access) bool {
		switch {
		case f.BreakGlass && !a.breakGlass(), f.Failed && !a.failed(), f.WithoutIncidental && a.incidental():
			return false
		}
		return a.any(func(r *row) bool {
			return (f.Action == v1.Action_ACTION_UNSPECIFIED || r.action == f.Action) &&
				(f.Department == "" || strings.EqualFold(r.department, f.Department))
		})
	}, nil
}

// withoutVerdicts is what can be said of an access before it is known how it was judged; for verdicts see wantedVerdicts.
func withoutVerdicts(f *v1.AccessFilter) *v1.AccessFilter {
	return &v1.AccessFilter{
		Action: f.GetAction(), Department: f.GetDepartment(), BreakGlass: f.GetBreakGlass(), Failed: f.GetFailed(), WithoutIncidental: f.GetWithoutIncidental(),
	}
}

// wantedVerdicts checks verdicts that a list is narrowed to; none means any.
func wantedVerdicts(field string, list []v1.Verdict) (verdictSet, error) {
	var out verdictSet
	for _, v := range list {
		if v < 0 || int(v) >= numVerdicts {
			return out, invalid(field, "unknown")
		}
		out[v] = true
	}
	return out, nil
}

// verdictSet are verdicts by their numbers.
type verdictSet [numVerdicts]bool

func (s verdictSet) none() bool { return s == verdictSet{} }

// text tells sets apart; "" is none.
func (s verdictSet) text() string {
	var text strings.Builder
	for v, yes := range s {
		if yes {
			text.WriteString(strconv.Itoa(v))
		}
	}
	return text.String()
}

// filterText tells filters apart; "" is none.
func filterText(f *v1.AccessFilter) string {
	var text strings.Builder
	if f.GetAction() != v1.Action_ACTION_UNSPECIFIED {
		text.WriteString("a" + strconv.Itoa(int(f.GetAction())))
	}
	for mark, yes := range [...]bool{f.GetBreakGlass(), f.GetFailed(), f.GetWithoutIncidental()} {
		if yes {
			text.WriteByte("bfi"[mark])
		}
	}
	if f.GetDepartment() != "" {
		text.WriteString("d" + strings.ToLower(f.GetDepartment()))
	}
	return text.String()
}
