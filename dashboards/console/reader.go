package console

import (
	"net/http"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// readerPage answers what a reader did.
type readerPage struct {
	listPage
	Totals *v1.ReaderActivityTotals
	Days   *columns
	Week   *week
	// DayRows are the numbers of the chart.
	DayRows []dayRow
}

type dayRow struct {
	Day                string
	Accesses, Patients uint64
}

// serveReader answers what a reader did: everything on the first page, only rows on the later ones.
func (c *Console) serveReader(v *visit) error {
	x, done, err := v.opened(pageReaders)
	if done || err != nil {
		return err
	}
	after := v.r.URL.Query().Get("after")
	res, err := c.cfg.Questions.ReaderActivity(v.r.Context(), connect.NewRequest(&v1.ReaderActivityRequest{
		Reader: x.ask.Subject, Purpose: x.purpose.text, AsOfUs: x.ask.AsOf, FromUs: x.ask.From, UntilUs: x.ask.Until,
		TimeZone: x.ask.Zone, Page: &v1.Page{Size: rowsAPage, Token: after}, Verdicts: verdictsOf(x.ask.Only.Reason),
	}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	m, links, at := res.Msg, linker{v, x.purpose}, c.clockOf(res.Msg.Header)
	page := readerPage{listPage: c.list(x, after, m.Header, links.rows(at, m.Accesses), m.NextPageToken)}
	page.Followed, page.What = followedOf(m.Identifiers), "reader"
	page.Reasons = reasonChoices(x.ask.Only.Reason)
	page.Filter.Set = page.Filter.Set || x.ask.Only != only{}
	if v.partial() {
		return v.renderPart(http.StatusOK, "reader", "rows", page.listPage)
	}
	if len(page.Rows) > 0 {
		newest := page.Rows[0]
		page.Name, page.Detail = newest.Reader.Name, joined(newest.Role, newest.Department)
	}
	page.Scope = links.to(ask{Page: pageScope, From: x.ask.From, Until: x.ask.Until, Zone: x.ask.Zone, Scope: scoped{Reader: x.ask.Subject}})
	page.Profile = links.profileOf(x.ask)
	page.Candidates = links.candidates(pageReaders, x.ask, m.Candidates)
	page.Totals, page.Week, page.Days = m.Totals, weekOf(m.WeekHours), columnsOf(m.Days)
	for _, d := range m.Days {
		page.DayRows = append(page.DayRows, dayRow{d.Day, d.Accesses, d.Patients})
	}
	return v.render(http.StatusOK, "reader", page)
}
