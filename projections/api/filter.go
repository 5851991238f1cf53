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
	if filterText(f) == "" {
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
