package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// listPage is what pages that list accesses have in common.
type listPage struct {
	Page, Handle string
	Subject      string
	// Name and Detail are what the newest access calls the subject.
	Name, Detail string
	Purpose      string
	Basis        *basis
	Filter       filter
	Saved        viewMenu
	// Only and Actions are set where accesses can be left out.
	Only    only
	Actions []choice
	Reasons []choice
	// Groups are set where a reader can be compared in more than one.
	Groups []choice
	// First is false on later pages, which have rows only.
	First bool
	Rows  []accessRow
	// Next is the path of the page that follows, "" behind the last one.
	Next string
	// Followed are the identifiers that the subject was followed to; Candidates are set when it names several.
	Followed   []followed
	Candidates []candidate
	What       string
	// Judged says that detectors judged any of the rows: reasons are shown then.
	Judged bool
	// Scope, Report and Profile are where to go on from here.
	Scope, Report, Profile string
}

type followed struct{ ID, Via, Source, Position string }

type candidate struct {
	ID, Text, Path string
	Events         uint64
}

// recordPage answers who viewed a record.
type recordPage struct {
	listPage
	Totals      *v1.WhoViewedTotals
	Readers     []readerRow
	Departments []bar
	Week        *week
	Unresolved  []candidate
	Looks       []look
	LooksTotal  uint64
}

type readerRow struct {
	Reader                       person
	Role, Departments            string
	Accesses, Failed, Incidental uint64
	First, Last                  *moment
	Actions, Purposes            string
	BreakGlass                   bool
}

// look is a question that somebody asked about this record through Readtrail.
type look struct {
	When                       *moment
	Asker, Role, Query, Reason string
	Rows                       uint64
}

// rowsAPage is a page of a list: about three screens.
const rowsAPage = 50

// serveRecord answers who viewed a record: everything on the first page, only rows on the later ones.
func (c *Console) serveRecord(v *visit) error {
	x, done, err := v.opened(pageRecords)
	if done || err != nil {
		return err
	}
	after := v.r.URL.Query().Get("after")
	res, err := c.cfg.Questions.WhoViewed(v.r.Context(), connect.NewRequest(&v1.WhoViewedRequest{
		Patient: x.ask.Subject, Purpose: x.purpose.text, AsOfUs: x.ask.AsOf, FromUs: x.ask.From, UntilUs: x.ask.Until,
		TimeZone: x.ask.Zone, Page: &v1.Page{Size: rowsAPage, Token: after}, Filter: x.ask.Only.filter(),
	}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	m := res.Msg
	links, at := linker{v, x.purpose}, c.clockOf(m.Header)
	page := recordPage{listPage: c.list(x, after, m.Header, links.rows(at, m.Accesses), m.NextPageToken)}
	page.Followed, page.What = followedOf(m.Identifiers), "record"
	if v.partial() {
		return v.renderPart(http.StatusOK, "record", "rows", page.listPage)
	}
	page.Candidates = links.candidates(pageRecords, x.ask, m.Candidates)
	page.Report = links.to(ask{Page: pageReport, Subject: x.ask.Subject, From: x.ask.From, Until: x.ask.Until, Zone: x.ask.Zone})
	page.Only, page.Actions, page.Reasons = x.ask.Only, actionChoices(x.ask.Only.Action), reasonChoices(x.ask.Only.Reason)
	page.Filter.Set = page.Filter.Set || x.ask.Only != only{}
	page.Totals, page.LooksTotal = m.Totals, m.LooksTotal
	page.Departments, page.Week = departments(m.Readers), weekOf(m.WeekHours)
	for _, r := range m.Readers {
		page.Readers = append(page.Readers, links.summary(at, r))
	}
	page.Unresolved = links.candidates(pageRecords, x.ask, m.Unresolved)
	for _, l := range m.Looks {
		page.Looks = append(page.Looks, look{
			When: at.at(l.AskedUs), Asker: l.Asker, Role: words.Code(l.Role), Query: titleOf(l.Query), Reason: l.Purpose, Rows: l.Rows,
		})
	}
	return v.render(http.StatusOK, "record", page)
}

// list fills what pages with accesses share.
func (c *Console) list(x view, after string, h *v1.AnswerHeader, rows []accessRow, next string) listPage {
	p := listPage{
		Page: x.ask.Page, Handle: x.handle, Subject: x.ask.Subject, Purpose: x.purpose.text, Basis: c.basisOf(h), Filter: c.filterOf(x.ask), Saved: x.menu(),
		First: after == "", Rows: rows,
	}
	for _, r := range rows {
		p.Judged = p.Judged || r.Reason.Text != ""
	}
	if next != "" {
		p.Next = "/" + x.ask.Page + "/" + x.handle + "?after=" + next
	}
	return p
}

func followedOf(list []*v1.FollowedIdentifier) []followed {
	out := make([]followed, len(list))
	for i, f := range list {
		out[i] = followed{ID: id(f.Identifier), Via: words.Code(f.Via), Source: f.Source}
		if f.Position != 0 {
			out[i].Position = fmt.Sprint(f.Position)
		}
	}
	return out
}

// candidates link to the same question about each of them.
func (l linker) candidates(page string, like ask, list []*v1.Candidate) []candidate {
	out := make([]candidate, len(list))
	for i, x := range list {
		out[i] = candidate{ID: id(x.Identifier), Text: x.Text, Events: x.Events}
		if out[i].ID != "" {
			to := like
			to.Page, to.Subject = page, out[i].ID
			out[i].Path = l.to(to)
		}
	}
	return out
}

func (l linker) summary(at clock, r *v1.ReaderSummary) readerRow {
	actions := make([]string, len(r.Actions))
	for i, a := range r.Actions {
		actions[i] = actionWord(a)
	}
	return readerRow{
		Reader: l.reader(r.Reader), Role: roleText(r.Reader), Departments: strings.Join(r.Departments, ", "), Accesses: r.Accesses,
		Failed: r.Failed, Incidental: r.Incidental, First: at.at(r.FirstUs), Last: at.at(r.LastUs), Actions: strings.Join(actions, ", "),
		Purposes: strings.Join(r.Purposes, ", "), BreakGlass: r.BreakGlass,
	}
}

// titleOf names a query of the API as its page is called.
func titleOf(query string) string {
	switch query {
	case "WhoViewed":
		return "Who viewed this record?"
	case "ReaderActivity":
		return "What did a reader do?"
	case "ReaderProfile":
		return "How does a reader compare with their peers?"
	case "GetEvent":
		return "One event"
	case "SearchAccesses":
		return "A search"
	case "GetDeadLetter":
		return "One dead letter"
	case "ListAlerts":
		return "The queue of alerts"
	case "GetAlert":
		return "One alert"
	case "SearchFindings":
		return "What detectors found"
	case "BreachScope", "CompareScopes", "FreezeScope", "VerifyScope":
		return "A breach scope"
	case "ExportScope":
		return "A breach scope, as a file"
	case "AccessReport":
		return "Access report for the patient"
	}
	return query
}

// departments counts readers by department, most first. One who acted for two counts in both.
func departments(readers []*v1.ReaderSummary) []bar {
	counts := map[string]uint64{}
	for _, r := range readers {
		if len(r.Departments) == 0 {
			counts[""]++
		}
		for _, d := range r.Departments {
			counts[d]++
		}
	}
	bars := make([]bar, 0, len(counts))
	for name, n := range counts {
		bars = append(bars, bar{Name: name, Count: n})
	}
	slices.SortFunc(bars, func(a, b bar) int {
		if a.Count != b.Count {
			return int(b.Count) - int(a.Count)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return scaled(bars)
}
