package console

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxProfile is the longest period that the API compares.
const maxProfile = 366 * 24 * time.Hour

// peerGroup is a department and role, as sent.
type peerGroup struct {
	Department string `json:"department,omitempty"`
	Role       string `json:"role,omitempty"`
}

// profilePage shows a reader beside their peers.
type profilePage struct {
	listPage
	Group        string
	Accesses     uint64
	Days         uint32
	Peers        uint64
	Needed       uint32
	Sampled      bool
	Figures      []figureRow
	Week, Others *week
	// Activity is what the reader did, in the same period.
	Activity string
}

// figureRow is one measure: numbers in words, and where they stand on a line of 100.
type figureRow struct {
	Name, Value, Median, High, Rank string
	// Told is false where peers are too few for it.
	Told bool
	// Known is false where the reader has none.
	Known bool
	// Band begins at the median and is BandWidth wide; Mark is the reader's.
	Band, BandWidth, Mark float64
}

// serveProfile compares a reader with their peers.
func (c *Console) serveProfile(v *visit) error {
	x, done, err := v.opened(pageProfile)
	if done || err != nil {
		return err
	}
	res, err := c.cfg.Questions.ReaderProfile(v.r.Context(), connect.NewRequest(&v1.ReaderProfileRequest{
		Reader: x.ask.Subject, Purpose: x.purpose.text, AsOfUs: x.ask.AsOf, FromUs: x.ask.From, UntilUs: x.ask.Until, TimeZone: x.ask.Zone,
		Department: x.ask.Group.Department, Role: x.ask.Group.Role,
	}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	m, links := res.Msg, linker{v, x.purpose}
	page := profilePage{
		listPage: c.list(x, "", m.Header, nil, ""), Accesses: m.Accesses, Days: m.Days, Peers: uint64(m.Peers), Needed: m.PeersNeeded,
		Sampled: m.Sampled, Week: weekOf(m.WeekHours), Others: weekOf(m.PeerWeekHours),
		Activity: links.to(ask{Page: pageReaders, Subject: x.ask.Subject, From: x.ask.From, Until: x.ask.Until, AsOf: x.ask.AsOf, Zone: x.ask.Zone}),
	}
	page.Followed, page.What = followedOf(m.Identifiers), "reader"
	page.Candidates = links.candidates(pageProfile, x.ask, m.Candidates)
	page.Filter.Set = page.Filter.Set || x.ask.Group != peerGroup{}
	page.Week.mark(m.UsualHours)
	page.Others.mark(m.UsualHours)
	if m.Group != nil {
		page.Group = groupWord(m.Group)
	}
	for _, g := range m.Groups {
		page.Groups = append(page.Groups, choice{
			url.Values{"department": {g.Department}, "role": {g.Role}}.Encode(), fmt.Sprintf("%s (%s)", groupWord(g), count(g.Events, "event", "events")), groupWord(g) == page.Group,
		})
	}
	for _, f := range m.Figures {
		page.Figures = append(page.Figures, figureOf(f))
	}
	return v.render(http.StatusOK, "profile", page)
}

// groupWord names a department and role.
func groupWord(g *v1.PeerGroup) string {
	role, department := g.GetRole(), g.GetDepartment()
	if role == "" {
		role = "no role stated"
	}
	if department == "" {
		department = "no department stated"
	}
	return role + ", " + department
}

func figureOf(f *v1.ProfileFigure) figureRow {
	row := figureRow{
		Name: words.Measure(f.Measure), Value: words.Measured(f.Measure, f.Value), Rank: words.Rank(f), Told: f.Median != nil, Known: f.Value != nil,
	}
	if row.Told {
		row.Median, row.High = words.Measured(f.Measure, f.Median), words.Measured(f.Measure, f.Percentile_90)
	}
	// The line ends a little above the largest, so that its mark is not cut.
	if most := 1.05 * max(f.GetValue(), f.GetMedian(), f.GetPercentile_90()); most > 0 {
		row.Band, row.Mark = 100*f.GetMedian()/most, 100*f.GetValue()/most
		row.BandWidth = max(100*f.GetPercentile_90()/most-row.Band, 0)
	}
	return row
}

// mark notes which hours are usual among peers.
func (w *week) mark(usual []bool) {
	if w == nil || len(usual) != 7*24 {
		return
	}
	for d := range w.Days {
		for h := range w.Days[d].Hours {
			if cell := &w.Days[d].Hours[h]; usual[d*24+h] {
				cell.Usual = true
				cell.Title += ", a usual hour of the peers"
			}
		}
	}
}

// profileOf is where a reader is compared, over the period of a page where that can be compared.
func (l linker) profileOf(a ask) string {
	to := ask{Page: pageProfile, Subject: a.Subject, AsOf: a.AsOf, Zone: a.Zone}
	if a.From != 0 && a.Until != 0 && a.Until-a.From <= maxProfile.Microseconds() {
		to.From, to.Until = a.From, a.Until
	}
	return l.to(to)
}

// formGroup is the group that a form chose.
func formGroup(v *visit) peerGroup {
	chosen, err := url.ParseQuery(v.r.PostForm.Get("group"))
	if err != nil {
		return peerGroup{}
	}
	return peerGroup{chosen.Get("department"), chosen.Get("role")}
}
