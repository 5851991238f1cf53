package console

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// scoped is what a breach scope is made of, besides times. An alert stands for the accesses that it rests on.
type scoped struct {
	Reader      string `json:"reader,omitempty"`
	Account     string `json:"account,omitempty"`
	Workstation string `json:"workstation,omitempty"`
	Object      string `json:"object,omitempty"`
	Alert       string `json:"alert,omitempty"`
	Case        string `json:"case,omitempty"`
	// Position is the journal position as of which it is computed; 0: now.
	Position uint64 `json:"position,omitempty"`
	// Before and After are frozen scopes to compare, by position; Before may be a position of the journal instead, or a time.
	Frozen   uint64 `json:"frozen,omitempty"`
	Before   uint64 `json:"before,omitempty"`
	BeforeUs int64  `json:"before_us,omitempty"`
}

// said writes the conditions as a sentence's parts.
func (s scoped) said(f filter) []string {
	var out []string
	for _, c := range []struct{ name, text string }{
		{"reader", s.Reader},
		{"account", s.Account},
		{"workstation", s.Workstation},
		{"object", s.Object},
		{"accesses of alert", s.Alert},
		{"accesses of case", s.Case},
		{"accesses of", f.Last},
		{"from", f.From},
		{"until and with", f.Until},
		{"as it was known at", f.AsOf},
	} {
		if c.text != "" {
			out = append(out, c.name+" "+c.text)
		}
	}
	if s.Position != 0 {
		out = append(out, fmt.Sprintf("as of journal position %d", s.Position))
	}
	return out
}

// enough reports whether the API would take it: one condition, or both times.
func (a ask) enough() bool {
	s := a.Scope
	return s.Reader != "" || s.Account != "" || s.Workstation != "" || s.Object != "" || s.Alert != "" || s.Case != "" || a.From != 0 && a.Until != 0 || a.LastDays != 0
}

// scopeQuery is an ask as the API takes it.
func scopeQuery(a ask) *v1.ScopeQuery {
	s := a.Scope
	return &v1.ScopeQuery{
		Reader: s.Reader, Account: s.Account, Workstation: s.Workstation, Object: s.Object, Alert: s.Alert, Case: s.Case, FromUs: a.From, UntilUs: a.Until,
	}
}

// scopeForm reads a form into an ask.
func (c *Console) scopeForm(v *visit) (ask, purpose, error) {
	get := func(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }
	a := ask{Page: pageScope, Scope: scoped{
		Reader: get("reader"), Account: get("account"), Workstation: get("workstation"), Object: get("object"), Alert: get("alert"), Case: get("case"),
	}}
	why := purpose{get("purpose"), v.now}
	return a, why, c.period(v, &a)
}

// countsRow is a row of counts; a report stands in exactly one of the five behind the first.
type countsRow struct {
	Reports, Accesses, Second, Failed, Incidental, Patientless uint64
	First, Last                                                *moment
	// Reasons says how detectors judged the reports; empty: nobody did.
	Reasons string
	// Unexplained are those without a known reason.
	Unexplained uint64
}

func countsOf(at clock, x *v1.ScopeCounts, judged *v1.ScopeVerdicts) countsRow {
	return countsRow{
		x.GetReports(), x.GetAccesses(), x.GetSecondReports(), x.GetFailed(), x.GetIncidental(), x.GetPatientless(), at.at(x.GetFirstUs()), at.at(x.GetLastUs()),
		reasonsWord(judged), judged.GetUnexplained(),
	}
}

// Sum writes the counts as the sum that they are.
func (r countsRow) Sum() string {
	return fmt.Sprintf("%s = %s + %s + %s failed + %s incidental + %s without a patient", count(r.Reports, "report", "reports"),
		count(r.Accesses, "access", "accesses"), count(r.Second, "second report", "second reports"), number(r.Failed), number(r.Incidental), number(r.Patientless))
}

// reasonsWord writes how many reports have a known reason, and how many have none.
func reasonsWord(v *v1.ScopeVerdicts) string {
	if v == nil {
		return ""
	}
	var out []string
	for _, n := range []struct {
		n    uint64
		text string
	}{{v.Explained, "known"}, {v.Unexplained, "none found"}, {v.NotAssessable, "not assessable"}, {v.NotJudged, "not judged"}} {
		if n.n > 0 {
			out = append(out, number(n.n)+" "+n.text)
		}
	}
	return strings.Join(out, ", ")
}

// partsWord writes types or labels with their numbers.
func partsWord(parts []*v1.ScopePart) string {
	var out []string
	for _, p := range parts {
		if p.Name != "" {
			out = append(out, p.Name+" "+number(p.Reports))
		}
	}
	return strings.Join(out, ", ")
}

// readMoment tells a position, which is digits alone, from a time of a form.
func (c *Console) readMoment(text, zoneName string) (us int64, position uint64, err error) {
	if strings.Trim(text, "0123456789") == "" && text != "" {
		if _, err := fmt.Sscan(text, &position); err == nil {
			return 0, position, nil
		}
	}
	zone, err := c.zone(zoneName)
	if err != nil {
		return 0, 0, err
	}
	at, err := time.ParseInLocation(formMinute, text, zone)
	if err != nil {
		return 0, 0, refusal{http.StatusUnprocessableEntity, "The time was not understood", "Write a time as 2006-01-02T15:04, or a journal position."}
	}
	return at.UnixMicro(), 0, nil
}
