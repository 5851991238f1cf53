package console

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/dashboards/words"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// fields are a form's, as they were typed.
type fields struct {
	form url.Values
	zone *time.Location
	now  time.Time
}

// text is a field without blanks around it; lines end as they do in the journal.
func (f fields) text(name string) string {
	return strings.ReplaceAll(strings.TrimSpace(f.form.Get(name)), "\r\n", "\n")
}

// number is 0 for what is none: casework says what it wants.
func (f fields) number(name string) uint64 {
	n, err := strconv.ParseUint(f.text(name), 10, 32)
	if err != nil {
		return 0
	}
	return n
}

// day is a day's beginning at the site; what is none is 0.
func (f fields) day(name string) int64 {
	at, err := time.ParseInLocation(time.DateOnly, f.text(name), f.zone)
	if err != nil {
		return 0
	}
	return at.UnixMicro()
}

// after is the first moment after a day; what is none is 0.
func (f fields) after(name string) int64 {
	at, err := time.ParseInLocation(time.DateOnly, f.text(name), f.zone)
	if err != nil {
		return 0
	}
	return at.AddDate(0, 0, 1).UnixMicro()
}

// named are the events that a field names by id or position.
func (f fields) named(name string) []string {
	return strings.FieldsFunc(f.text(name), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
}

// eventIDs are the ids of events. What is named by its position is opened, and journaled as a look, as whoever shows it to others would
// open it; what is no event is an error.
func (v *visit) eventIDs(names []string, why string) (out [][]byte, err error) {
	if len(names) > maxDisclosed {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("shown: at most 50 accesses"))
	}
	for _, name := range names {
		if id, err := proto.ParseEventID(name); err == nil {
			out = append(out, id.Bytes())
			continue
		}
		res, err := v.c.cfg.Questions.GetEvent(v.r.Context(), connect.NewRequest(&v1.GetEventRequest{Event: name, Purpose: why}))
		if err != nil {
			return nil, err //nolint:wrapcheck // for people as it is
		}
		out = append(out, res.Msg.GetEvent().GetEventId())
	}
	return out, nil
}

// maxDisclosed is how many accesses a question shows; casework says so too, after as many were opened.
const maxDisclosed = 50

// writeStep adds a step to a case, and shows the case again. What was typed into one that was not journaled is kept, whatever the reason.
func (c *Console) writeStep(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	x, ok := v.session.views.find(pageCases, v.r.PathValue("handle"))
	if !ok {
		return v.ofBefore(pageCases, "")
	}
	f := fields{v.r.PostForm, c.cfg.TimeZone, v.now}
	done := said{Path: "/" + pageCases + "/" + x.handle, Name: "The case"}
	m := stepOf(f, v.session.caller)
	if m == nil {
		done.Text, done.Fault = "Nothing was written: the form did not say what is to be done.", true
	} else if doubt, err := c.sendStep(v, x, m, f); err != nil {
		done.Fault = true
		if written(f.form) {
			v.session.views.keepStep(x.handle, f.form)
		}
		if done.Text, err = v.refusedBecause("Nothing was written", err); err != nil {
			return err
		}
	} else {
		v.session.views.dropStep(x.handle)
		done.Text = "Journaled."
		if doubt != "" {
			done.Text, done.Fault = "Journaled. "+doubt, true
		}
	}
	v.tell(done.Path, done)
	return nil
}

// sendStep gives a step to casework, for the version that the form showed. doubt says why a question may not reach whom it was put to.
func (c *Console) sendStep(v *visit, x view, m *v1.WriteCaseRequest, f fields) (doubt string, err error) {
	m.Case, m.Version = x.ask.Subject, uint32(f.number("version"))
	why := x.purpose
	if !why.holds(v.now) {
		why = purpose{"work on case " + x.ask.Subject, v.now}
	}
	if asked := m.GetAsked(); asked != nil {
		if asked.Shown, err = v.eventIDs(f.named("shown"), why.text); err != nil {
			return "", err
		}
	}
	res, err := c.cfg.Casework.WriteCase(v.r.Context(), connect.NewRequest(m))
	if err != nil {
		return "", err //nolint:wrapcheck // for people as it is
	}
	return words.AddresseeDoubt(res.Msg.Doubt, m.GetAsked().GetTo()), nil
}

// stepOf reads a form into a step; nil: it names none.
func stepOf(f fields, caller proto.Caller) *v1.WriteCaseRequest {
	m := &v1.WriteCaseRequest{}
	switch f.text("step") {
	case "take":
		m.Body = &v1.WriteCaseRequest_Assigned{Assigned: &v1.CaseAssigned{Assignee: caller.Name}}
	case "give-back":
		m.Body = &v1.WriteCaseRequest_Assigned{Assigned: &v1.CaseAssigned{}}
	case "assign":
		m.Body = &v1.WriteCaseRequest_Assigned{Assigned: &v1.CaseAssigned{Assignee: f.text("assignee")}}
	case "note":
		m.Body = &v1.WriteCaseRequest_Noted{Noted: &v1.CaseNoted{Text: f.text("text")}}
	case "ask":
		m.Body = &v1.WriteCaseRequest_Asked{Asked: &v1.CaseAsked{
			Respondent: v1.Respondent(f.number("respondent")), Name: f.text("name"), Text: f.text("text"),
			To: f.text("to"), Patients: f.text("patients") != "",
		}}
	case "answer":
		m.Body = &v1.WriteCaseRequest_Answered{Answered: &v1.CaseAnswered{Question: uint32(f.number("question")), Text: f.text("text")}}
	case "assess":
		m.Body = &v1.WriteCaseRequest_Assessed{Assessed: assessmentOf(f)}
	case "conclude":
		m.Body = &v1.WriteCaseRequest_Concluded{Concluded: &v1.CaseConcluded{Outcome: v1.Disposition(f.number("outcome")), Text: f.text("text")}}
	case "notice":
		m.Body = &v1.WriteCaseRequest_Notice{Notice: noticeOf(f)}
	case "hold":
		m.Body = &v1.WriteCaseRequest_Held{Held: &v1.CaseHeld{Held: f.text("held") == "1", Text: f.text("text")}}
	case "delay":
		m.Body = &v1.WriteCaseRequest_Delayed{Delayed: delayOf(f)}
	case "close":
		m.Body = &v1.WriteCaseRequest_Closed{Closed: &v1.CaseClosed{Text: f.text("text")}}
	case "reopen":
		m.Body = &v1.WriteCaseRequest_Reopened{Reopened: &v1.CaseReopened{Text: f.text("text")}}
	case "remove":
		id, err := proto.ParseEventID(f.text("alert"))
		if err != nil {
			return nil
		}
		m.Body = &v1.WriteCaseRequest_Alerts{Alerts: &v1.CaseAlerts{Removed: [][]byte{id.Bytes()}}}
	default:
		return nil
	}
	return m
}

func assessmentOf(f fields) *v1.BreachAssessed {
	a := &v1.BreachAssessed{
		Conclusion: v1.BreachConclusion(f.number("conclusion")), Exception: v1.BreachException(f.number("exception")), People: f.number("people"),
		MostInOneState: f.number("most"), DiscoveredUs: f.day("discovered"), Text: f.text("text"),
	}
	for n := v1.BreachFactor_BREACH_FACTOR_INFORMATION; n <= v1.BreachFactor_BREACH_FACTOR_MITIGATION; n++ {
		field := "factor-" + strconv.Itoa(int(n))
		if f.text(field) != "" || f.number("risk-"+strconv.Itoa(int(n))) != 0 {
			a.Factors = append(a.Factors, &v1.FactorJudged{Factor: n, Risk: v1.BreachRisk(f.number("risk-" + strconv.Itoa(int(n)))), Text: f.text(field)})
		}
	}
	for _, x := range f.form["law"] {
		if i, err := strconv.ParseUint(x, 10, 8); err == nil {
			a.Laws = append(a.Laws, v1.NoticeLaw(i))
		}
	}
	for n := v1.NoticeLaw_NOTICE_LAW_CALIFORNIA; n <= v1.NoticeLaw_NOTICE_LAW_GDPR; n++ {
		of := "law-" + strconv.Itoa(int(n))
		if as, why := f.number(of), f.text(of+"-why"); as != 0 || why != "" {
			a.ByLaw = append(a.ByLaw, &v1.LawConcluded{Law: n, Conclusion: v1.BreachConclusion(as), Text: why})
		}
	}
	return a
}

func noticeOf(f fields) *v1.CaseNotice {
	n := &v1.CaseNotice{
		Rule: v1.NoticeRule(f.number("rule")), To: f.text("to"), DueUs: f.after("due"), SentUs: f.day("sent"), People: f.number("people"), Text: f.text("text"),
		Withdrawn: f.text("withdrawn") != "",
	}
	for _, x := range f.form["tells"] {
		if i, err := strconv.ParseUint(x, 10, 8); err == nil {
			n.Contents = append(n.Contents, v1.NoticeContent(i))
		}
	}
	return n
}

// delayOf reads what a law-enforcement official stated.
func delayOf(f fields) *v1.CaseDelayed {
	return &v1.CaseDelayed{
		Statement: v1.DelayStatement(f.number("statement")), Official: f.text("official"), Agency: f.text("agency"), StatedUs: f.day("stated"),
		UntilUs: f.day("until"), Ground: v1.DelayGround(f.number("ground")), Text: f.text("text"),
	}
}

// caseOfAlert opens a case from an alert, or adds the alert to one that is open.
func (c *Console) caseOfAlert(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	x, ok := v.session.views.find(pageAlerts, v.r.PathValue("handle"))
	if !ok {
		return v.ofBefore(pageAlerts, "case")
	}
	f := fields{v.r.PostForm, c.cfg.TimeZone, v.now}
	alert, err := proto.ParseEventID(x.ask.Subject)
	if err != nil {
		return errNoView
	}
	done := said{Path: "/" + pageAlerts + "/" + x.handle}
	m, why := &v1.WriteCaseRequest{Case: f.text("new")}, x.purpose
	if to := f.text("case"); to != "" {
		var version uint64
		if m.Case, version, ok = cutVersion(to); !ok {
			return errNoView
		}
		m.Version = uint32(version)
		m.Body = &v1.WriteCaseRequest_Alerts{Alerts: &v1.CaseAlerts{Added: [][]byte{alert.Bytes()}}}
	} else {
		opened := &v1.CaseOpened{Title: f.text("title"), Alerts: [][]byte{alert.Bytes()}, DiscoveredUs: f.day("discovered"), Assignee: v.session.caller.Name}
		m.Body = &v1.WriteCaseRequest_Opened{Opened: opened}
	}
	if _, err := c.cfg.Casework.WriteCase(v.r.Context(), connect.NewRequest(m)); err != nil {
		done.Fault = true
		if written(f.form) {
			v.session.views.keepStep(x.handle, typedForm("case", f.form))
		}
		if done.Text, err = v.refusedBecause("Nothing was written", err); err != nil {
			return err
		}
	} else {
		v.session.views.dropStep(x.handle)
		if !why.holds(v.now) {
			why = purpose{}
		}
		done = said{Path: linker{v, why}.to(ask{Page: pageCases, Subject: m.Case}), Text: "Journaled.", Name: "The case"}
	}
	v.tell(done.Path, done)
	return nil
}

// cutVersion reads a case and the version that the form showed of it.
func cutVersion(text string) (id string, version uint64, ok bool) {
	id, after, _ := strings.Cut(text, ".")
	version, err := strconv.ParseUint(after, 10, 32)
	return id, version, err == nil && version > 0
}

// alertCases is what an alert's page offers: a new case of it, and the open ones that its asker may add it to.
type alertCases struct {
	// New is the id of the case that the form opens, so that sending it twice opens one.
	New, Today string
	Holding    []caseLine
	Open       []choice
}

// casesForAlert finds the cases that hold an alert, and those that it can be added to.
func (c *Console) casesForAlert(ctx context.Context, v *visit, why purpose, alert string) (*alertCases, error) {
	id, err := proto.MintEventID(v.now)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	out := &alertCases{New: id.String(), Today: v.now.In(c.cfg.TimeZone).Format(time.DateOnly)}
	m := &v1.ListCasesRequest{Status: v1.CaseStatus_CASE_STATUS_OPEN, Purpose: why.text, Page: &v1.Page{Size: 200}}
	if !mayJudge(v.session.caller) {
		m.Assignee = v.session.caller.Name
	}
	var holding, open *connect.Response[v1.ListCasesResponse]
	together, ctx := errgroup.WithContext(ctx)
	together.Go(func() (err error) {
		holding, err = c.cfg.Cases.ListCases(ctx, connect.NewRequest(&v1.ListCasesRequest{Alert: alert, Purpose: why.text, Page: &v1.Page{Size: 20}}))
		return err
	})
	together.Go(func() (err error) { open, err = c.cfg.Cases.ListCases(ctx, connect.NewRequest(m)); return err })
	if err := together.Wait(); err != nil {
		return nil, err //nolint:wrapcheck // for people as it is
	}
	held := map[string]bool{}
	for _, r := range holding.Msg.Cases {
		held[r.CaseId] = true
		out.Holding = append(out.Holding, v.caseLine(c.clockOf(holding.Msg.Header), r, why))
	}
	for _, r := range open.Msg.Cases {
		if !held[r.CaseId] {
			out.Open = append(out.Open, choice{Value: r.CaseId + "." + strconv.FormatUint(uint64(r.Version), 10), Name: r.Title})
		}
	}
	return out, nil
}
