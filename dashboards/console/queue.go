package console

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	protobuf "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/dashboards/words"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// alertsAPage is a page of the queue: more than a day's budget of most sites, so that a day is rarely torn.
const alertsAPage = 100

// queueAsk is which part of the queue is shown. It stands in the address: it names nobody.
type queueAsk struct {
	Show, From, To, Scenario, Queue string
	Chance                          uint32
	// Last is a period that goes with the day; From and To are then empty.
	Last uint32
}

// shows are the parts of the queue, in the order of the day's work.
var shows = []struct {
	code, name   string
	scope        v1.AlertScope
	dispositions []v1.Disposition
	states       []v1.AlertState
}{
	{"", "Waiting", v1.AlertScope_ALERT_SCOPE_UNSPECIFIED, []v1.Disposition{v1.Disposition_DISPOSITION_UNSPECIFIED}, standing},
	{"review", "In review", v1.AlertScope_ALERT_SCOPE_ALL, []v1.Disposition{v1.Disposition_DISPOSITION_IN_REVIEW}, nil},
	{"decided", "Decided", v1.AlertScope_ALERT_SCOPE_ALL, judged, nil},
	{"sample", "Random sample", v1.AlertScope_ALERT_SCOPE_SAMPLED, []v1.Disposition{v1.Disposition_DISPOSITION_UNSPECIFIED}, standing},
	{"back", "Taken back", v1.AlertScope_ALERT_SCOPE_UNSPECIFIED, nil, []v1.AlertState{v1.AlertState_ALERT_STATE_RETRACTED}},
	{"all", "All candidates", v1.AlertScope_ALERT_SCOPE_ALL, nil, nil},
}

var (
	standing = []v1.AlertState{v1.AlertState_ALERT_STATE_RAISED, v1.AlertState_ALERT_STATE_UPDATED}
	judged   = []v1.Disposition{
		v1.Disposition_DISPOSITION_MISUSE, v1.Disposition_DISPOSITION_APPROPRIATE, v1.Disposition_DISPOSITION_INCONCLUSIVE,
	}
)

// queueOf reads an address; what it does not know is left out.
func queueOf(q url.Values) queueAsk {
	a := queueAsk{Scenario: q.Get("scenario"), Queue: q.Get("queue")}
	for _, s := range shows {
		if q.Get("show") == s.code {
			a.Show = s.code
		}
	}
	for name, to := range map[string]*string{"from": &a.From, "to": &a.To} {
		if _, err := time.Parse(time.DateOnly, q.Get(name)); err == nil {
			*to = q.Get(name)
		}
	}
	if n, err := strconv.ParseUint(q.Get("chance"), 10, 32); err == nil && n <= 1000 {
		a.Chance = uint32(n)
	}
	if a.Last = lastDaysOf(q.Get("last")); a.Last != 0 {
		a.From, a.To = "", ""
	}
	return a
}

// query writes it back, with what follows.
func (a queueAsk) query(more ...string) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("show", a.Show)
	set("from", a.From)
	set("to", a.To)
	set("scenario", a.Scenario)
	set("queue", a.Queue)
	if a.Chance > 0 {
		q.Set("chance", strconv.FormatUint(uint64(a.Chance), 10))
	}
	if a.Last > 0 {
		q.Set("last", strconv.FormatUint(uint64(a.Last), 10))
	}
	for i := 0; i+1 < len(more); i += 2 {
		set(more[i], more[i+1])
	}
	return q.Encode()
}

func (a queueAsk) path(page string, more ...string) string {
	if q := a.query(more...); q != "" {
		return page + "?" + q
	}
	return page
}

func (a queueAsk) request(why, after string) *v1.ListAlertsRequest {
	m := &v1.ListAlertsRequest{
		From: a.From, To: a.To, Scenario: a.Scenario, Queue: a.Queue, Chance: a.Chance, Purpose: why, Page: &v1.Page{Size: alertsAPage, Token: after},
	}
	for _, s := range shows {
		if s.code == a.Show {
			m.Scope, m.Dispositions, m.States = s.scope, s.dispositions, s.states
		}
	}
	return m
}

// queueRequest is a part of the queue as the API is asked for it now.
func (c *Console) queueRequest(a queueAsk, now time.Time, why, after string) *v1.ListAlertsRequest {
	a.From, a.To = a.days(now, c.cfg.TimeZone)
	return a.request(why, after)
}

// queuePage is the queue of alerts.
type queuePage struct {
	Ask    queueAsk
	Tabs   []tab
	Days   []queueDay
	Totals *v1.AlertTotals
	// From and To are the days that were looked at.
	From, To string
	Basis    *basis
	// None says what it means that the list is empty.
	None string
	// Next is the path of the page that follows, Now that of this part anew, Live that of the stream that says when.
	Next, Now, Live string
	First           bool
	Names           names
	MayJudge        bool
	Saved           viewMenu
	LastDays        []choice
	Chances         []choice
	// Said is what the last decision did.
	Said *said
}

// names says whether people go by their names here, and for what.
type names struct {
	// MayAsk is false for roles that see pseudonyms only.
	MayAsk bool
	Open   string
	Stated []string
	Last   string
	Fault  string
	// Back is the query of the page to come back to.
	Back string
}

type tab struct {
	Name, Path string
	Here       bool
}

type queueDay struct {
	Day, Weekday string
	Alerts       []alertLine
}

// alertLine is one alert in the queue.
type alertLine struct {
	Path, Handle, ID string
	Title            string
	Scenario, Like   string
	Chance           string
	Meter            float64
	Rank             uint32
	Accesses         uint64
	Detectors        string
	Severity         string
	Marks            []mark
	Stand            stand
	Version          uint32
	At               *moment
	Decisions        []choice
	Back             string
	// Note says that it stands on its own page.
	Note bool
	// Typed is what was typed into a form of the alert that was not journaled.
	Typed typed
}

// said is what became of a decision, for the next page that its asker sees.
type said struct {
	Text, Path string
	// Name is what the path leads to; empty: the alert.
	Name  string
	Fault bool
}

// serveQueue answers with the queue, or with the part of the page that changes, for the script that was told so.
func (c *Console) serveQueue(v *visit) error {
	return v.queue(http.StatusOK, queueOf(v.r.URL.Query()), "", v.told())
}

// queue answers with the queue: by names while the session has a purpose for it, else by pseudonyms. told is what became of a command.
func (v *visit) queue(status int, a queueAsk, fault string, told *said) error {
	why, after := v.session.views.queuePurpose(v.now), v.r.URL.Query().Get("after")
	if v.r.Method != http.MethodGet {
		after = ""
	}
	res, err := v.c.cfg.Alerts.ListAlerts(v.r.Context(), connect.NewRequest(v.c.queueRequest(a, v.now, why.text, after)))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	m := res.Msg
	page := queuePage{
		Ask: a, Totals: m.Totals, From: m.From, To: m.To, Basis: v.c.basisOf(m.Header), First: after == "", MayJudge: mayJudge(v.session.caller),
		Days: v.days(a, why, m), None: words.NoAlerts(m), Said: told, Chances: chances(a.Chance),
		Saved: v.menuOf(pageAlerts, a.query()), LastDays: lastDaysChoices(a.Last),
		Now: a.path("/alerts/now"), Live: a.path("/alerts/live", "mark", markOf(m)),
		Names: names{MayAsk: v.mayAsk(), Open: why.text, Stated: v.session.views.stated(), Fault: fault, Back: a.query()},
	}
	if len(page.Names.Stated) > 0 {
		page.Names.Last = page.Names.Stated[0]
	}
	for _, s := range shows {
		to := a
		to.Show = s.code
		page.Tabs = append(page.Tabs, tab{s.name, to.path("/alerts"), s.code == a.Show})
	}
	if m.NextPageToken != "" {
		page.Next = a.path("/alerts", "after", m.NextPageToken)
	}
	switch {
	case v.partial() && after != "":
		return v.renderPart(status, "alerts", "days", page)
	case v.partial():
		return v.renderPart(status, "alerts", "queue", page)
	}
	return v.render(status, "alerts", page)
}

// days groups alerts by their day; the order is the API's.
func (v *visit) days(a queueAsk, why purpose, m *v1.ListAlertsResponse) []queueDay {
	var out []queueDay
	at := v.c.clockOf(m.Header)
	for _, r := range m.Alerts {
		if len(out) == 0 || out[len(out)-1].Day != r.Day {
			d := queueDay{Day: r.Day}
			if t, err := time.Parse(time.DateOnly, r.Day); err == nil {
				d.Weekday = t.Weekday().String()
			}
			out = append(out, d)
		}
		d := &out[len(out)-1]
		d.Alerts = append(d.Alerts, v.alertLine(a, why, at, r))
	}
	return out
}

func (v *visit) alertLine(a queueAsk, why purpose, at clock, r *v1.AlertRow) alertLine {
	like := a
	like.Scenario = r.Scenario
	line := alertLine{
		ID: r.AlertId, Title: r.Title, Scenario: words.Code(r.Scenario), Like: like.path("/alerts"), Chance: words.Chance(r.Chance), Meter: float64(r.Chance) / 10,
		Rank: r.Rank, Accesses: uint64(r.Accesses), Detectors: detectorWords(r.Detectors), Severity: words.Enum(r.Severity.String(), "SEVERITY_"),
		Marks: alertMarks(r), Stand: standOf(at, r), Version: r.Version, At: at.at(r.AtUs), Back: a.query(),
	}
	if line.Title == "" {
		line.Title = joinedBy(" in ", andMore(first(r.Readers, readerCalled), r.ReadersTotal, "reader"), andMore(first(r.Patients, patientCalled), r.PatientsTotal, "record"))
	}
	if line.Title == "" {
		line.Title = "an alert that names nobody"
	}
	if v.mayAsk() {
		line.Path = linker{v, why}.to(ask{Page: pageAlerts, Subject: r.AlertId})
		line.Handle = line.Path[strings.LastIndexByte(line.Path, '/')+1:]
		line.Decisions = decisionsFor(v.session.caller, r)
		line.Typed = typedIntoAlert(v.session.views.refusedStep(line.Handle), line.Decisions)
	}
	return line
}

func first[T any](list []T, called func(T) string) string {
	if len(list) == 0 {
		return ""
	}
	return called(list[0])
}

func readerCalled(r *v1.AlertReader) string {
	if r.Display != "" {
		return r.Display
	}
	return r.GetIdentifier().GetValue()
}

func patientCalled(p *v1.AlertPatient) string {
	if p.Display != "" {
		return p.Display
	}
	return p.GetIdentifier().GetValue()
}

func andMore(name string, total uint32, what string) string {
	if total > 1 && name != "" {
		return name + " and " + count(uint64(total-1), "more "+what, "more "+what+"s")
	}
	return name
}

// joinedBy joins what is there.
func joinedBy(by string, parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, by)
}

// markOf tells two states of a first page apart: which alerts are on it, at which version, decided how, and the totals. It names
// nobody, and is the same with names and without.
func markOf(m *v1.ListAlertsResponse) string {
	sum := sha256.New()
	for _, r := range m.Alerts {
		fmt.Fprintln(sum, r.AlertId, r.Version, int32(r.State), int32(r.Disposition), r.DecidedUs, r.Rank)
	}
	totals, err := protobuf.MarshalOptions{Deterministic: true}.Marshal(m.Totals)
	if err == nil {
		sum.Write(totals)
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:handleBytes])
}

// chances are the least chances that the queue can be bounded by.
func chances(chosen uint32) []choice {
	out := []choice{{Value: "", Name: "any", Chosen: chosen == 0}}
	for _, n := range []uint32{250, 500, 750, 950} {
		out = append(out, choice{strconv.FormatUint(uint64(n), 10), "at least " + words.Chance(n), n == chosen})
	}
	return out
}

// nameQueue opens names in the queue for a purpose, or closes them.
func (c *Console) nameQueue(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	q, err := url.ParseQuery(v.r.PostForm.Get("back"))
	if err != nil {
		q = nil
	}
	a, text := queueOf(q), strings.TrimSpace(v.r.PostForm.Get("purpose"))
	if v.r.PostForm.Has("hide") {
		v.session.views.nameQueue(purpose{})
	} else {
		if fault := purposeFault(text); fault != "" {
			return v.queue(http.StatusUnprocessableEntity, a, fault, nil)
		}
		v.session.views.nameQueue(purpose{text, v.now})
	}
	v.redirect(a.path("/alerts"))
	return nil
}

// mayJudge reports whether a role may say what an alert was; casework decides, this only leaves out what it would refuse.
func mayJudge(c proto.Caller) bool {
	return c.Role == proto.RolePrivacyOfficer || c.Role == proto.RoleAdministrator
}
