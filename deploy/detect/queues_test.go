package detect_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus"
	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/deploy/dataset"
	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/evaluation"
	"github.com/readtrail/readtrail/detectors/live"
	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// twoQueues has queues for two sites; what is done elsewhere stands in that of everything else.
func twoQueues(c *ruleset.Config) {
	c.Queues = detectors.SiteQueues{
		{Name: "North", Sites: []string{"North Annex", " nORTH "}, Budget: 1},
		{Name: "South", Sites: []string{"South"}, Budget: 2},
	}
}

// queueOfSite is the queue of what is done at a site, as twoQueues has them.
var queueOfSite = map[string]string{"north": "North", "NORTH ANNEX": "North", "South": "South", "Elsewhere": ""}

// siteOf is where a reader works: some of them at a site that no queue has, or at none that is stated.
func siteOf(e *v1.AccessEvent) string {
	name := fnv.New32a()
	for _, id := range e.GetReader().GetIdentifiers() {
		name.Write([]byte(id.GetValue()))
	}
	return []string{"north", "South", "Elsewhere", "NORTH ANNEX", "South", ""}[name.Sum32()%6]
}

// changed is a hospital in whose journal other rule sets and sites stand.
func changed(tb testing.TB, h *hospital, rs *v1.RuleSet, site func(*v1.AccessEvent) string) *hospital {
	tb.Helper()
	out := h.copy(tb)
	out.batches = nil
	for _, b := range h.batches {
		all := make([]entry, b.Count())
		for i := range all {
			item, err := b.Item(i)
			if err != nil {
				tb.Fatal(err)
			}
			if item.GetAccess() != nil {
				item = pb.CloneOf(item)
				item.GetAccess().Site = site(item.GetAccess())
			}
			if item.GetRuleSet() != nil && rs != nil {
				item = &v1.Item{Body: &v1.Item_RuleSet{RuleSet: rs}}
			}
			all[i].item = item
			if sealed, err := b.Original(i); err == nil {
				all[i].free = sealed.GetFreeText()
			}
		}
		out.add(b.Received(), all...)
	}
	return out
}

// sited is the fortnight at several sites, with queues, and what comes out of it; tests share it.
var sited = sync.OnceValues(func() (*hospital, *written) {
	tb := &quiet{}
	h := changed(tb, fortnight(), ruleSet(tb, twoQueues), siteOf)
	h.share(tb, h.start(10))
	return h, judged(tb, h)
})

// statedBy counts the accesses that an alert cites by the queue of the site that their events state.
func statedBy(t *testing.T, h *hospital, a *v1.AlertVersion) map[string]int {
	t.Helper()
	out := map[string]int{}
	for _, c := range a.Accesses {
		at := proto.Position(c.Position)
		item, err := h.batches[at.Sequence()-1].Item(at.Index())
		must(t, err)
		if site := item.GetAccess().GetSite(); site != "" {
			out[queueOfSite[site]]++
		}
	}
	return out
}

// shownOn counts the alerts that are shown at the end, by day and queue, and those that may not exceed a budget.
func shownOn(w *written) (all, bound map[string]int) {
	latest := map[string]*v1.AlertVersion{}
	for _, a := range w.versions {
		latest[string(a.AlertId)] = a
	}
	all, bound = map[string]int{}, map[string]int{}
	for _, a := range latest {
		if key := fmt.Sprintf("%d %s", a.Day, a.Queue); a.Shown {
			if all[key]++; !mayExceed(a) {
				bound[key]++
			}
		}
	}
	return all, bound
}

// TestQueuesOfSites: each queue shows as many as its budget says and no more, beside its own random sample, and ranks from 1; what is done where
// nobody named the site stands in the queue of everything else. It is the same to the byte for any number of hands and from snapshots.
func TestQueuesOfSites(t *testing.T) {
	t.Parallel()
	h, w := sited()
	for _, hands := range []int{4, 16} {
		cfg := engineConfig(t, h)
		cfg.Hands = hands
		_, other := run(t, cfg, h.batches)
		must(t, w.same(other))
	}
	must(t, w.same(restoredOften(t, h, len(h.batches)-200)))

	budgets := map[string]int{"North": 1, "South": 2, "": 20}
	first, versions, sampled := map[string]uint32{}, map[string]int{}, map[string]int{}
	for _, a := range w.versions {
		versions[a.Queue]++
		if stated := statedBy(t, h, a); a.Version == 1 && (len(stated) == 1 && stated[a.Queue] == 0 || len(stated) == 0 && a.Queue != "") {
			t.Errorf("an alert of %v stands in the queue %q", stated, a.Queue)
		}
		if a.Sampled {
			sampled[fmt.Sprintf("%d %s", a.Day, a.Queue)]++
			continue
		}
		if a.Version == 1 && (first[a.Queue] == 0 || a.Rank < first[a.Queue]) {
			first[a.Queue] = a.Rank
		}
	}
	for queue := range budgets {
		if versions[queue] < 5 || first[queue] != 1 {
			t.Errorf("queue %q has %d versions, and ranks from %d", queue, versions[queue], first[queue])
		}
		for day := int32(h.start(6).Unix()/86_400) + 1; day < int32(h.start(13).Unix()/86_400); day++ {
			if n := sampled[fmt.Sprintf("%d %s", day, queue)]; n != 2 {
				t.Errorf("%d pairs of queue %q are drawn on day %d, want 2", n, queue, day)
			}
		}
	}
	ranksAreThoseOfQueues(t, w)

	_, one := run(t, engineConfig(t, fortnight()), changed(t, fortnight(), nil, siteOf).batches)
	wide, _ := shownOn(one)
	all, bound := shownOn(w)
	full := map[string]int{}
	for key, n := range bound {
		var day int32
		var queue string
		_, _ = fmt.Sscanf(key, "%d %s", &day, &queue)
		if n > budgets[queue] {
			t.Errorf("%d alerts of queue %q shown on day %d, want at most %d", n, queue, day, budgets[queue])
		}
		if n == budgets[queue] {
			full[queue]++
		}
	}
	if full["North"] < 2 || full["South"] < 2 || sum(all) >= sum(wide) {
		t.Errorf("budgets are reached on %v days, %d are shown, and %d with one queue: the test saw no ceiling", full, sum(all), sum(wide))
	}
	for _, a := range one.versions {
		if a.Queue != "" {
			t.Fatalf("without queues an alert stands in %q", a.Queue)
		}
	}
}

func sum(m map[string]int) (n int) {
	for x := range maps.Values(m) {
		n += x
	}
	return n
}

// ranksAreThoseOfQueues: no two alerts that one closing raised have one place in a queue, and the likelier one stands before the other.
func ranksAreThoseOfQueues(t *testing.T, w *written) {
	t.Helper()
	type place struct {
		cause uint64
		day   int32
		queue string
	}
	of := map[place][]*v1.AlertVersion{}
	for _, a := range w.versions {
		if at := (place{a.Cause, a.Day, a.Queue}); a.Version == 1 && !a.Sampled && !a.Hard {
			of[at] = append(of[at], a)
		}
	}
	for at, all := range of {
		slices.SortFunc(all, func(a, b *v1.AlertVersion) int { return int(a.Rank) - int(b.Rank) })
		for i := 1; i < len(all); i++ {
			if all[i].Rank == all[i-1].Rank || all[i].Score > all[i-1].Score {
				t.Errorf("queue %q of day %d has rank %d with score %d behind rank %d with %d", at.queue, at.day, all[i].Rank, all[i].Score, all[i-1].Rank, all[i-1].Score)
			}
		}
	}
}

// TestHardSignsCountInTheirQueue: a sign of record that does not wait takes a place in the queue of its own site.
func TestHardSignsCountInTheirQueue(t *testing.T) {
	t.Parallel()
	of := newHospital(t, simulate.Config{Seed: 5, Staff: 150, Patients: 1500, Days: 10, Incidents: 60, NoStory: true, Weights: onlyScenarios("self")})
	of.rules(of.start(0), ruleSet(t, nil))
	of.before("")
	of.live(0, 10, "")
	h := changed(t, of, ruleSet(t, twoQueues), siteOf)
	w := judged(t, h)
	must(t, w.same(restoredOften(t, h, len(h.batches)-200)))
	one := judged(t, of)
	hard := func(w *written) map[string]int {
		out := map[string]int{}
		for _, a := range w.versions {
			if a.Hard && a.Version == 1 && !mayExceed(a) {
				out[fmt.Sprintf("%d %s", a.Day, a.Queue)]++
			}
		}
		return out
	}
	got, full := hard(w), 0
	for key, n := range got {
		var day int32
		var queue string
		_, _ = fmt.Sscanf(key, "%d %s", &day, &queue)
		most := map[string]int{"North": 1, "South": 2, "": 20}[queue]
		if n > most {
			t.Errorf("%d signs of record raised in queue %q on day %d, want at most %d", n, queue, day, most)
		}
		if n == most && queue == "North" && got[fmt.Sprintf("%d South", day)] > 0 {
			full++
		}
	}
	if full == 0 || sum(got) >= sum(hard(one)) {
		t.Errorf("%d days on which one queue was full and the other one told, %d raised, and %d with one queue", full, sum(got), sum(hard(one)))
	}
}

// TestAStoryStaysInItsQueue: a series that goes on at another site stays where it was told first, and is told nowhere else.
func TestAStoryStaysInItsQueue(t *testing.T) {
	t.Parallel()
	base, reader, _ := snooped(t, 8)
	h := changed(t, base, ruleSet(t, func(c *ruleset.Config) {
		twoQueues(c)
		c.Queues[0].Budget, c.Queues[1].Budget = 20, 20
	}), func(e *v1.AccessEvent) string {
		var n, look int
		if _, err := fmt.Sscanf(e.SourceEventId, "stranger-%d-%d", &n, &look); err != nil {
			return siteOf(e)
		}
		if n < 3 {
			return "north"
		}
		return "South"
	})
	w := judged(t, h)
	must(t, w.same(restoredOften(t, h, len(h.batches)-150)))
	told := 0
	for _, a := range latestOf(t, w, reader) {
		if stated := statedBy(t, h, a); a.Shape == v1.Shape_SHAPE_SERIAL && a.Shown {
			told++
			if a.Queue != "North" || stated["South"] <= stated["North"] {
				t.Errorf("a series that began at North and cites %v stands in %q", stated, a.Queue)
			}
		}
	}
	if told != 1 {
		t.Errorf("%d series, want 1", told)
	}
}

// TestOtherQueuesMoveLaterDays: a rule set with other queues changes nothing of what was told before, and what was told and goes on stays where
// it was while there is such a queue.
func TestOtherQueuesMoveLaterDays(t *testing.T) {
	t.Parallel()
	north := func(c *ruleset.Config) {
		c.Queues = detectors.SiteQueues{{Name: "All of it", Sites: []string{"North", "South", "North Annex"}, Budget: 3}}
	}
	for name, change := range map[string]func(*ruleset.Config){"one queue for two": north, "none": func(*ruleset.Config) {}} {
		before, was := sited()
		after := before.copy(t)
		at := after.start(10).Add(30 * time.Minute)
		after.after(at, entry{item: &v1.Item{Body: &v1.Item_RuleSet{RuleSet: ruleSet(t, change)}}})
		is := judged(t, after)
		moved, ids := 0, map[string]string{}
		for i, a := range is.versions {
			if a.AtUs < at.UnixMicro() {
				if i >= len(was.versions) || !pb.Equal(a, was.versions[i]) {
					t.Fatalf("%s: version %d before the change differs", name, i)
				}
				ids[string(a.AlertId)] = a.Queue
				continue
			}
			queue, known := ids[string(a.AlertId)]
			switch {
			case known && a.State == v1.AlertState_ALERT_STATE_RETRACTED && a.Queue != queue:
				t.Errorf("%s: an alert of %q was taken back in %q", name, queue, a.Queue)
			case known:
			case a.Queue == "North" || a.Queue == "South":
				t.Errorf("%s: an alert of a later day stands in %q", name, a.Queue)
			default:
				moved++
			}
		}
		if len(ids) < 10 || moved < 10 {
			t.Errorf("%s: %d alerts before and %d after: the test saw nothing", name, len(ids), moved)
		}
	}
}

// TestQueuesAreFound: who asks for the queue of a site gets its alerts and no others.
func TestQueuesAreFound(t *testing.T) {
	t.Parallel()
	h, w := sited()
	want := map[string]int{}
	latest := map[string]*v1.AlertVersion{}
	for _, a := range w.versions {
		latest[string(a.AlertId)] = a
	}
	for _, a := range latest {
		want[a.Queue]++
	}
	service := served(t, h, w)
	asking := proto.WithCaller(t.Context(), proto.Caller{Name: "token:1", Role: proto.RoleInvestigator})
	for _, queue := range []string{"North", "South", "West"} {
		got := 0
		for token := ""; ; {
			res, err := service.ListAlerts(asking, connect.NewRequest(&v1.ListAlertsRequest{
				From: h.start(0).Format(time.DateOnly), To: h.start(16).Format(time.DateOnly), Scope: v1.AlertScope_ALERT_SCOPE_ALL, Queue: queue, Purpose: "test",
				Page: &v1.Page{Size: 500, Token: token},
			}))
			must(t, err)
			got += len(res.Msg.Alerts)
			for _, a := range res.Msg.Alerts {
				if a.Queue != queue {
					t.Errorf("an alert of queue %q among those of %q", a.Queue, queue)
				}
			}
			if token = res.Msg.NextPageToken; token == "" {
				break
			}
		}
		if got != want[queue] || got == 0 && queue != "West" {
			t.Errorf("%d alerts of queue %q, want %d", got, queue, want[queue])
		}
	}
}

// TestEvaluationOfQueues: an evaluation shows of each queue as many as its budget says, ranks each from 1, and says how many were shown.
func TestEvaluationOfQueues(t *testing.T) {
	t.Parallel()
	sim := fortnight().sim
	dir := fstest.MapFS{"people.ndjson": {Data: lines(sim.People())}}
	var events, care bytes.Buffer
	for day := -24; day < 8; day++ {
		care.Write(lines(sim.Care(day)))
		if day >= 0 {
			for e := range sim.Events(day) {
				events.Write(append(e.JSON, '\n'))
			}
		}
	}
	dir["AuditEvent.ndjson"], dir["care.ndjson"] = &fstest.MapFile{Data: events.Bytes()}, &fstest.MapFile{Data: care.Bytes()}
	var cfg ruleset.Config
	twoQueues(&cfg)
	var alerts bytes.Buffer
	r, err := evaluation.Run(t.Context(), evaluation.Config{
		Dir: dir, Alerts: &alerts, Queue: detectors.Queue{Budget: 3}, Queues: cfg.Queues, Clock: time.Now,
		Decode: func(ctx context.Context, f evaluation.File, zone *time.Location, emit func(*v1.Item, *v1.FreeText) error) error {
			return dataset.Decode(ctx, f, zone, func(item *v1.Item, free *v1.FreeText) error {
				if e := item.GetAccess(); e != nil {
					e.Site = siteOf(e)
				}
				return emit(item, free)
			})
		},
	})
	must(t, err)
	budgets, shown, ranks, full := map[string]int{"North": 1, "South": 2, "": 3}, map[string]int{}, map[string]int{}, map[string]int{}
	for line := range strings.Lines(alerts.String()) {
		var a struct {
			Day       string
			Queue     *string
			Rank      int
			Shown     bool
			Chance    float64
			Detectors []string
		}
		must(t, json.Unmarshal([]byte(line), &a))
		of := a.Day + *a.Queue
		if ranks[of]++; a.Rank != ranks[of] {
			t.Errorf("rank %d in queue %q of %s, want %d", a.Rank, *a.Queue, a.Day, ranks[of])
		}
		exceeds := slices.Contains(a.Detectors, "LeftAccount") || slices.Contains(a.Detectors, "VendorAccess") || slices.Contains(a.Detectors, "WatchedRecord")
		if likely := a.Chance >= 0.22; a.Shown != (likely && a.Rank <= budgets[*a.Queue]) && !exceeds {
			t.Errorf("an alert of rank %d in queue %q, %.0f %% likely, is shown: %v", a.Rank, *a.Queue, 100*a.Chance, a.Shown)
		} else if likely && !a.Shown {
			full[*a.Queue]++
		}
		if a.Shown {
			shown[*a.Queue]++
		}
	}
	want := []evaluation.QueueReport{{Queue: "North", Budget: 1, Shown: shown["North"]}, {Queue: "South", Budget: 2, Shown: shown["South"]}, {Budget: 3, Shown: shown[""]}}
	if !slices.Equal(r.Queues, want) || full["North"] == 0 || full["South"] == 0 || shown[""] == 0 {
		t.Errorf("queues %v, want %v; beyond the budget %v", r.Queues, want, full)
	}
}

// TestQueuesAreCounted: the metric of alerts tells the queues apart.
func TestQueuesAreCounted(t *testing.T) {
	t.Parallel()
	h, w := sited()
	reg, out := prometheus.NewRegistry(), &stream{}
	r, err := live.New(live.Config{
		Engine: engineConfig(t, h), RuleSet: ruleSet(t, twoQueues), Dir: t.TempDir(), SnapshotEvery: time.Hour, Registerer: reg, Clock: time.Now,
		Follow: func(ctx context.Context, _ proto.Position, fn func(context.Context, *proto.Batch) error) error {
			for _, b := range h.batches {
				if err := fn(ctx, b); err != nil {
					return err
				}
			}
			return errEnd
		},
		Head:   func() proto.Position { return 1 << 62 }, // it proposes nothing
		Append: func(context.Context, *v1.Item) error { return nil },
		Open:   func(context.Context) (live.Output, error) { return out, nil },
	})
	must(t, err)
	if err := r.Run(t.Context()); !errors.Is(err, errEnd) {
		t.Fatal(err)
	}
	got, want := map[string]int{}, map[string]int{}
	for _, a := range w.versions {
		if a.Shown {
			want[a.Queue]++
		}
	}
	families, err := reg.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() != "readtrail_detectors_alerts_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["shown"] == "yes" {
				got[labels["queue"]] += int(m.GetCounter().GetValue())
			}
		}
	}
	if !maps.Equal(got, want) || len(want) != 3 {
		t.Errorf("shown by queue: %v, want %v", got, want)
	}
}
