package console

import (
	"net/http"
	"strings"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// printedAccesses bounds a report for a patient on one page.
const printedAccesses = 20_000

// nameLevels are how a report names staff, least first.
var nameLevels = []struct{ code, name, detail string }{
	{"none", "By role and department only", "nobody is named"},
	{"code", "With a code for each person", "the same throughout this report, and in no other"},
	{"full", "By name", "where law or policy wants it"},
}

type reportFormPage struct {
	Subject string
	Levels  []choice
	Filter  filter
	Last    string
	Fault   string
}

// reportPage is the answer for the patient: who looked at my data?
type reportPage struct {
	reportFormPage
	Handle, Purpose string
	Level           string
	Notes           []string
	Candidates      []candidate
	Accesses        []reportedRow
	Looks           []reportedLook
	LooksTotal      uint64
	Totals          *v1.WhoViewedTotals
	// More is set when there are more accesses than are printed.
	More  bool
	Basis *basis
}

type reportedRow struct {
	When                                   *moment
	Who, Of, What, Data, Why, From, Passed string
	Marks                                  []mark
}

type reportedLook struct {
	When           *moment
	Who, Role, Why string
}

func (c *Console) serveReportForm(v *visit) error {
	return v.reportForm(http.StatusOK, ask{Page: pageReport}, "", "")
}

func (c *Console) reportFormOf(v *visit, a ask, why, fault string) reportFormPage {
	p := reportFormPage{Subject: a.Subject, Filter: c.filterOf(a), Last: why, Fault: fault}
	if stated := v.session.views.stated(); why == "" && len(stated) > 0 {
		p.Last = stated[0]
	}
	for i, l := range nameLevels {
		p.Levels = append(p.Levels, choice{l.code, l.name + ": " + l.detail, int32(i) == max(a.Names, 1)-1})
	}
	return p
}

func (v *visit) reportForm(status int, a ask, why, fault string) error {
	return v.render(status, "reportform", v.c.reportFormOf(v, a, why, fault))
}

func (c *Console) askReport(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	get := func(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }
	a, why := ask{Page: pageReport, Subject: get("patient"), Names: int32(v1.AccessReportRequest_NAMES_NONE)}, purpose{get("purpose"), v.now}
	for i, l := range nameLevels {
		if get("names") == l.code {
			a.Names = int32(i) + int32(v1.AccessReportRequest_NAMES_NONE)
		}
	}
	if err := c.period(v, &a); err != nil {
		return err
	}
	fault := purposeFault(why.text)
	switch {
	case a.Subject == "":
		fault = "Name the patient."
	case len(a.Subject) > maxSubject:
		a.Subject, fault = "", "At most 2000 characters."
	}
	if fault != "" {
		return v.reportForm(http.StatusUnprocessableEntity, a, why.text, fault)
	}
	v.redirect(linker{v, why}.to(a))
	return nil
}

// serveReport is the whole report on one page: it is made to be printed and handed over.
func (c *Console) serveReport(v *visit) error {
	x, done, err := v.opened(pageReport)
	if done || err != nil {
		return err
	}
	m := &v1.AccessReportRequest{
		Patient: x.ask.Subject, Purpose: x.purpose.text, AsOfUs: x.ask.AsOf, FromUs: x.ask.From, UntilUs: x.ask.Until, TimeZone: x.ask.Zone,
		Names: v1.AccessReportRequest_Names(max(x.ask.Names, int32(v1.AccessReportRequest_NAMES_NONE))), Page: &v1.Page{Size: largestPage},
	}
	var page reportPage
	for n := range printedAccesses / largestPage {
		res, err := c.cfg.Scopes.AccessReport(v.r.Context(), connect.NewRequest(m))
		if err != nil {
			return err //nolint:wrapcheck // for people as it is
		}
		at := c.clockOf(res.Msg.Header)
		if n == 0 {
			page = c.reportPageOf(v, x, res.Msg)
		}
		for _, a := range res.Msg.Accesses {
			page.Accesses = append(page.Accesses, reportedOf(at, a))
		}
		m.Page.Token, m.QuestionId = res.Msg.NextPageToken, res.Msg.GetHeader().GetQuestionId()
		if page.More = m.Page.Token != ""; !page.More {
			break
		}
	}
	return v.render(http.StatusOK, "report", page)
}

func (c *Console) reportPageOf(v *visit, x view, m *v1.AccessReportResponse) reportPage {
	at, links := c.clockOf(m.Header), linker{v, x.purpose}
	page := reportPage{
		reportFormPage: c.reportFormOf(v, x.ask, x.purpose.text, ""), Handle: x.handle, Purpose: x.purpose.text, Notes: m.Notes,
		Candidates: links.candidates(pageReport, x.ask, m.Candidates), LooksTotal: m.LooksTotal, Totals: m.Totals, Basis: c.basisOf(m.Header),
		Level: nameLevels[min(max(x.ask.Names, 1), int32(len(nameLevels)))-1].name,
	}
	for _, l := range m.Looks {
		page.Looks = append(page.Looks, reportedLook{at.at(l.AskedUs), l.Who, l.Role, l.Purpose})
	}
	return page
}

func reportedOf(at clock, a *v1.ReportedAccess) reportedRow {
	row := reportedRow{
		When: at.at(a.OccurredUs), Who: a.Who, Of: joined(a.Role, a.Department, a.Organization), What: a.What, Data: strings.Join(a.Data, ", "),
		Why: strings.Join(a.Purposes, ", "), From: a.Origin, Passed: a.Recipient,
	}
	for _, m := range []struct {
		yes        bool
		text, kind string
	}{
		{a.Emergency, "emergency access", "strong"},
		{a.Failed, "refused or failed: nothing was seen", "quiet"},
		{a.Incidental, "shown on a list, not opened", "quiet"},
		{a.Own, "the patient's own access", "quiet"},
	} {
		if m.yes {
			row.Marks = append(row.Marks, mark{m.text, m.kind})
		}
	}
	return row
}
