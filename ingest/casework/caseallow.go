package casework

import (
	"slices"
	"time"

	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// allows refuses what does not follow from where the case stands.
func allows(now *cases.State, e *v1.CaseEntry) error {
	switch body := e.Body.(type) {
	case *v1.CaseEntry_Alerts:
		return allowsAlerts(now, body.Alerts)
	case *v1.CaseEntry_Assigned:
		if body.Assigned.Assignee == now.Assignee {
			return refused("they have the case already")
		}
	case *v1.CaseEntry_Asked:
		if len(now.Questions) >= maxQuestions {
			return refused("as many questions were put as a case may have")
		}
	case *v1.CaseEntry_Answered:
		n := int(body.Answered.Question)
		if n < 1 || n > len(now.Questions) {
			return invalid("question", "the number of a question that was put")
		}
		if now.Questions[n-1].Answer != nil {
			return refused("this question is answered: put another one")
		}
	case *v1.CaseEntry_Assessed:
		return allowsAssessment(now, body.Assessed)
	case *v1.CaseEntry_Notice:
		sent := func(n cases.Notice) bool { return n.Sent() && cases.SameNotice(n.Told, body.Notice) }
		if body.Notice.Withdrawn && slices.ContainsFunc(now.Notices(time.UTC), sent) {
			return refused("the notice was sent")
		}
	case *v1.CaseEntry_Held:
		if body.Held.Held == now.Held {
			return refused("the hold is so already")
		}
	case *v1.CaseEntry_Delayed:
		return allowsDelay(now, body.Delayed)
	case *v1.CaseEntry_Closed:
		return allowsClosing(now)
	}
	return nil
}

func allowsAlerts(now *cases.State, a *v1.CaseAlerts) error {
	has := func(b []byte) bool {
		return slices.ContainsFunc(now.Alerts, func(id proto.EventID) bool { return string(b) == string(id[:]) })
	}
	switch {
	case slices.ContainsFunc(a.Added, has):
		return refused("the case has the alert already")
	case slices.ContainsFunc(a.Removed, func(b []byte) bool { return !has(b) }):
		return refused("the case does not have the alert")
	case len(now.Alerts)+len(a.Added) > maxCaseAlerts:
		return refused("as many alerts as a case may have: open another case")
	case len(now.Alerts)+len(a.Added) == len(a.Removed):
		return refused("a case is of one alert at least: close it instead")
	}
	return nil
}

// allowsClosing refuses to close what is not done: the burden of proof is that every notice was sent, or that none was owed
// (45 CFR 164.414(b)).
func allowsClosing(now *cases.State) error {
	switch {
	case now.Held:
		return refused("there is a legal hold on the case: lift it first")
	case now.Assessment == nil:
		return refused("whether this is a breach is not assessed: it counts as one until it is")
	case now.Outcome == nil:
		return refused("what came of it is not said: conclude it first")
	case slices.ContainsFunc(now.Notices(time.UTC), func(n cases.Notice) bool { return !n.Sent() }):
		return refused("a notice that is owed or planned is not sent")
	}
	return nil
}
