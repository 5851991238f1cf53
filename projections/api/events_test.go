package api_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// placed is an event that the test put into the journal.
type placed struct {
	position proto.Position
	received int64
	event    *v1.AccessEvent
}

// ward is a world with events of which every condition of a search is met by some.
type ward struct {
	*world
	dice   *rand.Rand
	events []placed
}

func newWard(t *testing.T, events int) *ward {
	w := &ward{world: newWorld(t), dice: rand.New(rand.NewPCG(81, 20))}
	w.service.SetPatience(time.Minute) // on a busy machine, too, what was admitted is found
	// p0 and p1 are one patient, by a merge; u0 and u1 one reader.
	w.append(patientFact("ehr", "0", "Zero", []*v1.Identifier{id("urn:mrn", "p0")}, &v1.IdentityLink{
		Kind: v1.IdentityLink_KIND_REPLACED_BY, From: id("urn:mrn", "p0"), To: id("urn:mrn", "p1"),
	}))
	for len(w.events) < events {
		w.pass(time.Duration(w.dice.IntN(40)) * time.Minute)
		w.admit(1 + w.dice.IntN(12))
	}
	return w
}

// admit puts one message of events into the journal.
func (w *ward) admit(n int) {
	items := make([]*v1.Item, n)
	for i := range items {
		items[i] = w.event()
	}
	at := w.append(items...)
	for i, it := range items {
		w.events = append(w.events, placed{proto.At(at.Sequence(), i), w.clock().UnixMicro(), it.GetAccess()})
	}
}

// delays are how long after it occurred an event is recorded: most at once, some far off, some before.
var delays = []time.Duration{0, 0, 0, 0, time.Second, 50 * time.Minute, 3 * time.Hour, 4 * 24 * time.Hour, -2 * time.Hour}

func (w *ward) event() *v1.Item {
	d := w.dice
	occurred := w.clock().Add(-time.Duration(d.IntN(72*60)) * time.Minute)
	e := access([]string{"ehr", "pacs", "lab"}[d.IntN(3)], occurred, nil, id("urn:staff", fmt.Sprintf("u%d", d.IntN(5)))).GetAccess()
	if e.RecordedUs = occurred.Add(delays[d.IntN(len(delays))]).UnixMicro(); d.IntN(8) == 0 {
		e.RecordedUs = 0
	}
	if e.Reader.Identifiers[0].Value == "u0" {
		e.Reader.Identifiers = append(e.Reader.Identifiers, id("urn:staff", "u1"))
	}
	for range d.IntN(3) {
		e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", fmt.Sprintf("p%d", d.IntN(6)))}})
	}
	if d.IntN(3) == 0 {
		e.Objects = []*v1.Object{{Type: "DocumentReference", Id: id("urn:doc", fmt.Sprintf("o%d", d.IntN(4)))}}
	}
	if d.IntN(4) == 0 {
		e.Participants = []*v1.Reader{{Identifiers: []*v1.Identifier{id("urn:staff", fmt.Sprintf("u%d", d.IntN(5)))}}}
	}
	e.Outcome = []v1.Outcome{v1.Outcome_OUTCOME_SUCCESS, v1.Outcome_OUTCOME_SUCCESS, v1.Outcome_OUTCOME_SERIOUS_FAILURE}[d.IntN(3)]
	e.Site = []string{"north", "south"}[d.IntN(2)]
	e.NetworkAddress = fmt.Sprintf("10.0.0.%d", d.IntN(30))
	e.ActionCode = string("CRUDE"[d.IntN(5)])
	return &v1.Item{Body: &v1.Item_Access{Access: e}}
}

// same are the identifiers of one person, which the ward's links join.
func same(value string) []string {
	switch value {
	case "p0", "p1":
		return []string{"p0", "p1"}
	case "u0", "u1":
		return []string{"u0", "u1"}
	}
	return []string{value}
}

// query is a search and what it means, said once more in plain Go.
type query struct {
	api.EventSearch
	parts []string
	holds []func(p placed) bool
}

func (q *query) add(part string, holds func(p placed) bool) {
	q.parts = append(q.parts, part)
	q.holds = append(q.holds, holds)
}

func (w *ward) query() *query {
	d, q := w.dice, &query{}
	q.Purpose, q.Size = "complaint 12", 3+d.IntN(40)
	alternatives := func(kind string, of int) (values []string, subjects []api.Subject) {
		for range 1 + d.IntN(2) {
			value := fmt.Sprintf("%s%d", kind, d.IntN(of))
			values = append(values, same(value)...)
			system := map[string]string{"p": "urn:mrn", "u": "urn:staff", "o": "urn:doc"}[kind]
			subjects = append(subjects, api.Subject{System: system, Value: value, Exact: d.IntN(2) == 0})
		}
		return values, subjects
	}
	for range d.IntN(3) {
		values, subjects := alternatives("p", 6)
		q.Patients = append(q.Patients, subjects)
		q.add(fmt.Sprint("patient", values), func(p placed) bool { return namesPatient(p.event, values) })
	}
	if d.IntN(3) == 0 {
		values, subjects := alternatives([]string{"o", "p"}[d.IntN(2)], 4)
		q.Entities = append(q.Entities, subjects)
		q.add(fmt.Sprint("entity", values), func(p placed) bool { return namesPatient(p.event, values) || namesObject(p.event, values) })
	}
	if d.IntN(2) == 0 {
		values, subjects := alternatives("u", 5)
		q.Readers = append(q.Readers, subjects)
		alone := len(q.Patients)+len(q.Entities) == 0
		q.add(fmt.Sprint("agent", values), func(p placed) bool { return namesReader(p.event, values, !alone) })
	}
	w.times(q)
	if d.IntN(4) == 0 {
		q.Outcomes = []v1.Outcome{v1.Outcome_OUTCOME_SERIOUS_FAILURE}
		q.add("failed", func(p placed) bool { return p.event.Outcome == v1.Outcome_OUTCOME_SERIOUS_FAILURE })
	}
	if d.IntN(4) == 0 {
		q.Sources, q.Sites = []string{"ehr", "lab"}, []string{"north"}
		q.add("ehr or lab, north", func(p placed) bool { return p.event.Source != "pacs" && p.event.Site == "north" })
	}
	if d.IntN(3) == 0 {
		q.Match = func(e *v1.AccessEvent) bool {
			return e.ActionCode == "R" && strings.HasPrefix(e.NetworkAddress, "10.0.0.1")
		}
		q.Addresses = []string{"10.0.0.1"}
		q.add("reads from 10.0.0.1", func(p placed) bool { return q.Match(p.event) })
	}
	q.Key = strings.Join(q.parts, "&")
	return q
}

func (w *ward) times(q *query) {
	d := w.dice
	span := func() api.Span {
		from := begin.Add(time.Duration(d.IntN(96)-72) * time.Hour)
		return api.Span{From: from.UnixMicro(), Until: from.Add(time.Duration(1+d.IntN(90)) * time.Hour).UnixMicro()}
	}
	in := func(s api.Span, us int64) bool { return us >= s.From && us < s.Until }
	if d.IntN(2) == 0 {
		s := span()
		q.Recorded = s
		q.add(fmt.Sprint("recorded", s), func(p placed) bool {
			recorded := p.event.RecordedUs
			if recorded == 0 {
				recorded = p.event.OccurredUs
			}
			return in(s, recorded)
		})
	}
	if d.IntN(4) == 0 {
		s := span()
		q.Received = s
		q.add(fmt.Sprint("received", s), func(p placed) bool { return in(s, p.received) })
	}
}

func namesPatient(e *v1.AccessEvent, values []string) bool {
	return slices.ContainsFunc(e.Patients, func(p *v1.Patient) bool { return slices.Contains(values, p.Identifiers[0].Value) })
}

func namesObject(e *v1.AccessEvent, values []string) bool {
	return slices.ContainsFunc(e.Objects, func(o *v1.Object) bool { return slices.Contains(values, o.Id.Value) })
}

func namesReader(e *v1.AccessEvent, values []string, anyAgent bool) bool {
	all := []*v1.Reader{e.Reader}
	if anyAgent {
		all = append(all, e.Participants...)
	}
	return slices.ContainsFunc(all, func(r *v1.Reader) bool { return slices.Contains(values, r.Identifiers[0].Value) })
}

// want is what a search has to find, newest first.
func (w *ward) want(q *query, upTo int) (out []proto.Position) {
	found := slices.Clone(w.events[:upTo])
	for _, holds := range q.holds {
		found = slices.DeleteFunc(found, func(p placed) bool { return !holds(p) })
	}
	slices.SortFunc(found, func(a, b placed) int {
		if a.event.OccurredUs != b.event.OccurredUs {
			return int(b.event.OccurredUs - a.event.OccurredUs)
		}
		return int(b.position) - int(a.position)
	})
	for _, p := range found {
		out = append(out, p.position)
	}
	return out
}

// TestSearchEventsFindsWhatMeetsTheConditions compares all pages of many searches with every event of the journal, while more
// events arrive between pages.
func TestSearchEventsFindsWhatMeetsTheConditions(t *testing.T) {
	w := newWard(t, 400)
	w.settle()
	found, several := 0, 0
	for n := range 40 {
		q := w.query()
		// Every second search has to do with pages that end before they are full.
		w.service.SetInspected([]int{2_000, 61}[n%2])
		want := w.want(q, len(w.events))
		var got []proto.Position
		pages := 0
		for pages < 200 {
			page, err := w.service.SearchEvents(w.ctx(), q.EventSearch)
			if err != nil {
				t.Fatalf("%s: %v", q.Key, err)
			}
			if len(page.Events) > q.Size {
				t.Fatalf("%s: a page of %d has %d", q.Key, q.Size, len(page.Events))
			}
			if whole := page.Next == "" && pages == 0; whole != page.Counted || page.Counted && page.Total != uint64(len(want)) {
				t.Errorf("%s: counted %v: %d, want %v: %d", q.Key, page.Counted, page.Total, whole, len(want))
			}
			for _, e := range page.Events {
				got = append(got, e.Position)
			}
			pages++
			if q.Token = page.Next; q.Token == "" {
				break
			}
			if w.dice.IntN(4) == 0 {
				w.pass(time.Minute)
				w.admit(1 + w.dice.IntN(3))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: -want +got in %d pages\n%s", q.Key, pages, diff)
		}
		if found += len(got); pages > 1 {
			several++
		}
	}
	t.Logf("%d events found, %d searches of several pages", found, several)
	if found < 500 || several < 10 {
		t.Errorf("the searches found %d events, %d of them on several pages: they say nothing", found, several)
	}
}

// TestSearchEventsCounts says how many there are when asked, also beyond the page.
func TestSearchEventsCounts(t *testing.T) {
	w := newWard(t, 200)
	w.settle()
	q := api.EventSearch{
		Purpose: "p", Key: "k", Size: 3, Count: true, Recorded: api.Span{From: begin.Add(-1000 * time.Hour).UnixMicro()},
		Match: func(e *v1.AccessEvent) bool { return e.Site == "north" },
	}
	want := uint64(0)
	for _, p := range w.events {
		if p.event.Site == "north" {
			want++
		}
	}
	page, err := w.service.SearchEvents(w.ctx(), q)
	if err != nil || !page.Counted || page.Total != want || len(page.Events) != 3 || page.Next == "" {
		t.Errorf("%v: counted %v: %d of %d, %d on the page", err, page.Counted, page.Total, want, len(page.Events))
	}
}

// TestSearchEventsWaitsForWhatWasAcknowledged finds an event that the journal took a moment ago, the very first one included.
func TestSearchEventsWaitsForWhatWasAcknowledged(t *testing.T) {
	w := newWorld(t)
	w.service.SetPatience(time.Minute)
	w.settle()
	for n := range 5 {
		at := w.append(access("ehr", begin, id("urn:mrn", "7"), id("urn:staff", "u")))
		page, err := w.service.SearchEvents(w.ctx(), api.EventSearch{
			Purpose: "p", Key: "k", Size: 50, Patients: [][]api.Subject{{{System: "urn:mrn", Value: "7", Exact: true}}},
		})
		if err != nil || len(page.Events) != n+1 || !slices.ContainsFunc(page.Events, func(e api.FoundEvent) bool { return e.Position == at }) {
			t.Fatalf("after %d events: %v, %d found", n+1, err, len(page.Events))
		}
	}
}

// TestSearchEventsByID reads the journal, whether the tables know the event or not, and takes other conditions with it.
func TestSearchEventsByID(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for _, mrn := range []string{"7", "8"} {
		it := access("ehr", begin, id("urn:mrn", mrn), id("urn:staff", "u"))
		w.append(it)
		made, err := proto.EventIDFromBytes(it.GetAccess().EventId)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, made.String())
	}
	w.settle()
	for name, tt := range map[string]struct {
		ids      []string
		patients [][]api.Subject
		want     int
	}{
		"both":              {ids, nil, 2},
		"one twice":         {[]string{ids[0], ids[0]}, nil, 1},
		"and a patient":     {ids, [][]api.Subject{{{System: "urn:mrn", Value: "8", Exact: true}}}, 1},
		"none":              {[]string{"1srOrx2ZWZBpBUvZwXKQmoEYga2"}, nil, 0},
		"no id at all":      {[]string{"Muster", ids[1]}, nil, 1},
		"a position's text": {[]string{"8192"}, nil, 0},
	} {
		page, err := w.service.SearchEvents(w.ctx(), api.EventSearch{Purpose: "p", Key: name, Size: 1, IDs: tt.ids, Patients: tt.patients})
		if err != nil || len(page.Events) != tt.want || page.Next != "" || page.Total != uint64(tt.want) {
			t.Errorf("%s: %v, %d found", name, err, len(page.Events))
		}
	}
}

// TestSearchEventsIsAQuestion: it needs a role and a purpose, it is journaled with its rows and everybody whom it shows, and it
// is not answered when that fails.
func TestSearchEventsIsAQuestion(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "7"), id("urn:staff", "u")), access("ehr", begin, id("urn:mrn", "8"), id("urn:staff", "u")))
	w.settle()
	q := api.EventSearch{Purpose: "theft", Key: "k", Size: 50, Readers: [][]api.Subject{{{System: "urn:staff", Value: "u", Exact: true}}}}
	for name, tt := range map[string]struct {
		role, purpose string
		want          connect.Code
	}{
		"viewer":     {proto.RoleViewer, "theft", connect.CodePermissionDenied},
		"source":     {"", "theft", connect.CodePermissionDenied},
		"no purpose": {proto.RoleInvestigator, " ", connect.CodeInvalidArgument},
	} {
		q := q
		q.Purpose = tt.purpose
		if _, err := w.service.SearchEvents(as(t.Context(), "token:2", tt.role), q); connect.CodeOf(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.service.SearchEvents(t.Context(), q); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("nobody: %v", err)
	}
	if len(w.asked) != 0 {
		t.Fatalf("%d questions journaled that were not answered", len(w.asked))
	}
	page, err := w.service.SearchEvents(w.ctx(), q)
	if err != nil || len(page.Events) != 2 {
		t.Fatal(page, err)
	}
	asked := w.asked[0]
	if asked.Query != "SearchEvents" || asked.Rows != 2 || asked.Purpose != "theft" || asked.Reader.GetValue() != "u" || asked.Asker != "token:1" {
		t.Errorf("journaled %v", asked)
	}
	for _, mrn := range []string{"7", "8"} {
		res, err := w.service.WhoViewed(w.ctx(), connect.NewRequest(&v1.WhoViewedRequest{Patient: "urn:mrn|" + mrn, Purpose: "theft"}))
		if err != nil || !slices.ContainsFunc(res.Msg.Looks, func(l *v1.Look) bool { return l.Query == "SearchEvents" }) {
			t.Errorf("patient %s: the search is no look at the record: %v", mrn, err)
		}
	}
	w.mu.Lock()
	w.askFails = errors.New("no space")
	w.mu.Unlock()
	if page, err := w.service.SearchEvents(w.ctx(), q); connect.CodeOf(err) != connect.CodeUnavailable || page != nil {
		t.Errorf("not journaled, yet answered: %v, %v", page, err)
	}
}

// TestSearchEventsRefusesManyUnderOneName: a value that several people have is no answer about any of them.
func TestSearchEventsRefusesManyUnderOneName(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:north", "7"), nil), access("ehr", begin, id("urn:south", "7"), nil))
	w.settle()
	q := api.EventSearch{Purpose: "p", Key: "k", Size: 50, Patients: [][]api.Subject{{{Value: "7"}}}}
	_, err := w.service.SearchEvents(w.ctx(), q)
	if connect.CodeOf(err) != connect.CodeInvalidArgument || !errors.Is(err, api.ErrAmbiguous) || strings.Contains(err.Error(), "7") {
		t.Errorf("refused with %v", err)
	}
	q.Patients[0][0] = api.Subject{System: "urn:south", Value: "7", Exact: true}
	if page, err := w.service.SearchEvents(w.ctx(), q); err != nil || len(page.Events) != 1 {
		t.Error(page, err)
	}
}
