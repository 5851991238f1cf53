package casework_test

import (
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestAConclusionPerLaw: each other law of the case may have one, with a reason; HIPAA's is the assessment's. A case that is a breach under
// any law is closed only when that law's notices left.
func TestAConclusionPerLaw(t *testing.T) {
	const (
		breachIs, low, exception = v1.BreachConclusion_BREACH_CONCLUSION_BREACH, v1.BreachConclusion_BREACH_CONCLUSION_LOW_PROBABILITY, v1.BreachConclusion_BREACH_CONCLUSION_EXCEPTION
		hipaa, california, gdpr  = v1.NoticeLaw_NOTICE_LAW_HIPAA, v1.NoticeLaw_NOTICE_LAW_CALIFORNIA, v1.NoticeLaw_NOTICE_LAW_GDPR
	)
	o := newOffice(t)
	officer := caller(proto.RolePrivacyOfficer, "os:officer")
	opening := o.opening("")
	opening.GetOpened().Laws = []v1.NoticeLaw{hipaa, gdpr}
	by := func(people uint64, all ...*v1.LawConcluded) *v1.WriteCaseRequest {
		return assessed(func(a *v1.BreachAssessed) { a.ByLaw, a.People = all, people })
	}
	for name, tt := range map[string]struct {
		m    *v1.WriteCaseRequest
		want connect.Code
	}{
		"a breach by GDPR":      {by(3, &v1.LawConcluded{Law: gdpr, Conclusion: breachIs, Text: "a risk"}), 0},
		"of how many":           {by(0, &v1.LawConcluded{Law: gdpr, Conclusion: breachIs, Text: "a risk"}), connect.CodeInvalidArgument},
		"why":                   {by(3, &v1.LawConcluded{Law: gdpr, Conclusion: breachIs}), connect.CodeInvalidArgument},
		"what":                  {by(3, &v1.LawConcluded{Law: gdpr, Text: "a risk"}), connect.CodeInvalidArgument},
		"an exception":          {by(3, &v1.LawConcluded{Law: gdpr, Conclusion: exception, Text: "x"}), connect.CodeInvalidArgument},
		"HIPAA":                 {by(3, &v1.LawConcluded{Law: hipaa, Conclusion: breachIs, Text: "x"}), connect.CodeInvalidArgument},
		"no law":                {by(3, &v1.LawConcluded{Conclusion: breachIs, Text: "x"}), connect.CodeInvalidArgument},
		"an unknown law":        {by(3, &v1.LawConcluded{Law: 9, Conclusion: breachIs, Text: "x"}), connect.CodeInvalidArgument},
		"twice":                 {by(3, &v1.LawConcluded{Law: gdpr, Conclusion: breachIs, Text: "x"}, &v1.LawConcluded{Law: gdpr, Conclusion: low, Text: "y"}), connect.CodeInvalidArgument},
		"a law of another case": {by(3, &v1.LawConcluded{Law: california, Conclusion: low, Text: "x"}), connect.CodeInvalidArgument},
		"a law that is corrected with it": {assessed(func(a *v1.BreachAssessed) {
			a.Laws, a.ByLaw = []v1.NoticeLaw{hipaa, california}, []*v1.LawConcluded{{Law: california, Conclusion: low, Text: "x"}}
		}), 0},
	} {
		if got := o.newFile().must(officer, opening).write(officer, tt.m); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	f := o.newFile().must(officer, opening, by(3, &v1.LawConcluded{Law: gdpr, Conclusion: breachIs, Text: "a risk"}), concluded())
	if code := f.write(officer, closed()); code != connect.CodeFailedPrecondition {
		t.Errorf("closed, and the authority was not told: %v", code)
	}
	f.must(officer, notice(v1.NoticeRule_NOTICE_RULE_AUTHORITY, sent), closed())
}
