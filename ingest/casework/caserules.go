package casework

import (
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// Longest texts of a case, in characters (case.proto).
	maxTitle, maxReference, maxName, maxFactor, maxShort, maxLong = 200, 64, 200, 1000, 2000, 4000
	// maxAsker is the longest name of an asker: "oidc:" and the 200 characters that a provider may call somebody by (dashboards/console/provider.go).
	maxAsker = 5 + 200
	// maxCaseAlerts bounds the alerts of a case: an answer tells each, and a scope all that they cite.
	maxCaseAlerts = 200
	// maxQuestions and maxSteps bound what one answer tells of a case; what is needed to close it may be said beyond.
	maxQuestions, maxSteps = 200, 2000
	// maxVersion bounds the number of a step: maxSteps leaves out what ends a case.
	maxVersion = 1 << 20
	// clockSlack is how far the clock of who writes may be ahead.
	clockSlack = 5 * time.Minute
	// oldestID is how long ago the id of a new case may have been made.
	oldestID = 24 * time.Hour
)

// checkCase refuses what can be refused without looking at the case, and returns the step that is asked for.
func checkCase(caller proto.Caller, m *v1.WriteCaseRequest, now time.Time) (proto.EventID, *v1.CaseEntry, error) {
	id, err := proto.ParseEventID(m.Case)
	if err != nil {
		return id, nil, invalid("case", "an id of 27 characters, as the list of cases shows it")
	}
	if m.Version > maxVersion {
		return id, nil, invalid("version", "the case has no such version")
	}
	e := &v1.CaseEntry{CaseId: id.Bytes(), Version: m.Version + 1}
	if opening := m.GetOpened() != nil; opening != (m.Version == 0) {
		return id, nil, invalid("version", "0 to open a case, else the version that you looked at")
	}
	if !mayStep(caller, m) {
		return id, nil, connect.NewError(connect.CodePermissionDenied, errors.New("only a privacy officer or an administrator may do that in a case"))
	}
	switch body := m.Body.(type) {
	case *v1.WriteCaseRequest_Opened:
		if age := now.Sub(id.Time()); age > oldestID || age < -clockSlack {
			return id, nil, invalid("case", "an id that was made now")
		}
		e.Body, err = &v1.CaseEntry_Opened{Opened: body.Opened}, checkOpened(body.Opened, now)
	case *v1.WriteCaseRequest_Alerts:
		e.Body, err = &v1.CaseEntry_Alerts{Alerts: body.Alerts}, checkAlerts(body.Alerts)
	case *v1.WriteCaseRequest_Assigned:
		e.Body, err = &v1.CaseEntry_Assigned{Assigned: body.Assigned}, checkAssignee(body.Assigned.GetAssignee())
	case *v1.WriteCaseRequest_Noted:
		e.Body, err = &v1.CaseEntry_Noted{Noted: body.Noted}, checkText("text", body.Noted.GetText(), 1, maxLong)
	case *v1.WriteCaseRequest_Asked:
		e.Body, err = &v1.CaseEntry_Asked{Asked: body.Asked}, checkAsked(body.Asked)
	case *v1.WriteCaseRequest_Answered:
		e.Body, err = &v1.CaseEntry_Answered{Answered: body.Answered}, checkAnswered(body.Answered, now)
	case *v1.WriteCaseRequest_Assessed:
		e.Body, err = &v1.CaseEntry_Assessed{Assessed: body.Assessed}, checkAssessed(body.Assessed, now)
	case *v1.WriteCaseRequest_Concluded:
		e.Body, err = &v1.CaseEntry_Concluded{Concluded: body.Concluded}, checkConcluded(body.Concluded)
	case *v1.WriteCaseRequest_Notice:
		e.Body, err = &v1.CaseEntry_Notice{Notice: body.Notice}, checkNotice(body.Notice, now)
	case *v1.WriteCaseRequest_Held:
		e.Body, err = &v1.CaseEntry_Held{Held: body.Held}, checkText("text", body.Held.GetText(), 0, maxShort)
	case *v1.WriteCaseRequest_Delayed:
		e.Body, err = &v1.CaseEntry_Delayed{Delayed: body.Delayed}, checkDelayed(body.Delayed, now)
	case *v1.WriteCaseRequest_Closed:
		e.Body, err = &v1.CaseEntry_Closed{Closed: body.Closed}, checkText("text", body.Closed.GetText(), 0, maxShort)
	case *v1.WriteCaseRequest_Reopened:
		e.Body, err = &v1.CaseEntry_Reopened{Reopened: body.Reopened}, checkText("text", body.Reopened.GetText(), 1, maxShort)
	default:
		err = invalid("body", "what is to be done in the case")
	}
	return id, e, err
}

// mayStep is what a role may do in some case. Investigators open cases and work on those that they have; they may take one that nobody
// has, and give theirs back.
func mayStep(c proto.Caller, m *v1.WriteCaseRequest) bool {
	if mayJudge(c) {
		return true
	}
	switch body := m.Body.(type) {
	case *v1.WriteCaseRequest_Opened:
		return body.Opened.GetAssignee() == "" || body.Opened.GetAssignee() == c.Name
	case *v1.WriteCaseRequest_Assigned:
		return body.Assigned.GetAssignee() == "" || body.Assigned.GetAssignee() == c.Name
	case *v1.WriteCaseRequest_Assessed, *v1.WriteCaseRequest_Concluded, *v1.WriteCaseRequest_Notice, *v1.WriteCaseRequest_Held,
		*v1.WriteCaseRequest_Delayed, *v1.WriteCaseRequest_Closed, *v1.WriteCaseRequest_Reopened:
		return false
	}
	return true
}

// checkText refuses a text that is none, is too short or too long.
func checkText(field, text string, least, most int) error {
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable):
		return invalid(field, "plain text")
	case n < least || least > 0 && strings.TrimSpace(text) == "":
		return invalid(field, "is required")
	case n > most:
		return invalid(field, "too long")
	}
	return nil
}

// checkLine is checkText for what has one line.
func checkLine(field, text string, least, most int) error {
	if strings.ContainsAny(text, "\n\t") {
		return invalid(field, "one line of plain text")
	}
	return checkText(field, text, least, most)
}

func checkOpened(o *v1.CaseOpened, now time.Time) error {
	if len(o.GetAlerts()) == 0 {
		return invalid("alerts", "a case is opened from one alert at least")
	}
	return errors.Join(
		checkLine("title", o.Title, 1, maxTitle), checkLine("reference", o.Reference, 0, maxReference), checkIDs("alerts", o.Alerts),
		checkAssignee(o.Assignee), checkPast("discovered", o.DiscoveredUs, now, true), checkLaws(o.Laws),
	)
}

func checkAlerts(a *v1.CaseAlerts) error {
	if len(a.GetAdded())+len(a.GetRemoved()) == 0 {
		return invalid("alerts", "which ones")
	}
	both := append(append([][]byte{}, a.Added...), a.Removed...)
	return errors.Join(checkIDs("alerts", both), checkText("text", a.Text, 0, maxShort))
}

// checkIDs wants ids, each once.
func checkIDs(field string, ids [][]byte) error {
	seen := map[proto.EventID]bool{}
	for _, b := range ids {
		id, err := proto.EventIDFromBytes(b)
		if err != nil || seen[id] {
			return invalid(field, "ids, each once")
		}
		seen[id] = true
	}
	if len(ids) > maxCaseAlerts {
		return invalid(field, "at most 200")
	}
	return nil
}

// checkAssignee wants a name as askers have them.
func checkAssignee(name string) error { return checkAsker("assignee", name) }

func checkAsker(field, name string) error {
	if name == "" {
		return nil
	}
	kind, rest, _ := strings.Cut(name, ":")
	if rest == "" || !slices.Contains([]string{"token", "oidc", "os"}, kind) {
		return invalid(field, `a name such as "token:<id>", "oidc:<subject>" or "os:<user>"`)
	}
	if !proto.VisibleName(rest) {
		return invalid(field, "a name of visible characters: it must be the one that they sign in by")
	}
	return checkLine(field, name, 1, maxAsker)
}

// checkPast refuses a moment that is to come.
func checkPast(field string, us int64, now time.Time, required bool) error {
	switch {
	case us == 0 && required:
		return invalid(field, "when it was")
	case us < 0 || us > now.Add(clockSlack).UnixMicro():
		return invalid(field, "a moment that is over")
	}
	return nil
}

func checkLaws(laws []v1.NoticeLaw) error {
	for i, law := range laws {
		if law == 0 || v1.NoticeLaw_name[int32(law)] == "" || slices.Contains(laws[:i], law) {
			return invalid("laws", "HIPAA, California or GDPR, each once")
		}
	}
	return nil
}

func checkAsked(a *v1.CaseAsked) error {
	if a.GetQuestion() != 0 {
		return invalid("question", "its number is given when it is put")
	}
	if a.Respondent == 0 || v1.Respondent_name[int32(a.Respondent)] == "" {
		return invalid("respondent", "the reader, a manager or somebody else")
	}
	return errors.Join(checkLine("name", a.Name, 1, maxName), checkText("text", a.Text, 1, maxShort), checkAsker("to", a.To), checkShown(a))
}

func checkAnswered(a *v1.CaseAnswered, now time.Time) error {
	return errors.Join(checkText("text", a.GetText(), 1, maxLong), checkPast("answered", a.GetAnsweredUs(), now, false))
}

func checkConcluded(c *v1.CaseConcluded) error {
	switch c.GetOutcome() {
	case v1.Disposition_DISPOSITION_MISUSE, v1.Disposition_DISPOSITION_APPROPRIATE, v1.Disposition_DISPOSITION_INCONCLUSIVE:
		return checkText("text", c.Text, 1, maxLong)
	}
	return invalid("outcome", "misuse, appropriate or inconclusive")
}
