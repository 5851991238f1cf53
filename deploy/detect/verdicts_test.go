package detect_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"
	pb "google.golang.org/protobuf/proto"

	"github.com/readtrail/readtrail/detectors/ruleset"
	"github.com/readtrail/readtrail/ingest/simulate"
	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/projections/store/storetest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestVerdictsOfAnEventOfSeveralPatients: an event that names a patient twice, once more by another identifier, and others, says of each
// record what a look at that record alone says: through the engine, the tables and the question that a person asks.
func TestVerdictsOfAnEventOfSeveralPatients(t *testing.T) {
	t.Parallel()
	h := newHospital(t, simulate.Config{Seed: 5, Staff: 150, Patients: 600, Days: 3, Incidents: -1})
	h.rules(h.start(0), ruleSet(t, func(c *ruleset.Config) { c.LearningDays = 2 }))
	h.before("")
	h.live(0, 3, "")
	look, records := strangersBehindPatients(t, h)
	at := h.start(1).Add(12 * time.Hour)
	made := 0
	event := func(patients ...*v1.Patient) entry {
		e, _ := pb.Clone(look).(*v1.AccessEvent)
		made++
		e.SourceEventId, e.RequestId = fmt.Sprint("several-", made), ""
		e.OccurredUs = at.Add(time.Duration(made) * 10 * time.Minute).UnixMicro()
		e.RecordedUs, e.Patients = e.OccurredUs, patients
		return entry{item: &v1.Item{Body: &v1.Item_Access{Access: e}}}
	}
	first := records[0]
	other := &v1.Patient{Identifiers: []*v1.Identifier{first.Identifiers[1], first.Identifiers[0]}}
	list := event(append([]*v1.Patient{first, first, other}, records[1:]...)...)
	all := []entry{list}
	for _, p := range records {
		all = append(all, event(p))
	}
	h.after(at.Add(2*time.Hour), all...)
	for hour := range 72 { // the days are closed
		end := h.start(3).Add(time.Duration(hour) * time.Hour)
		h.add(end, tick(end))
	}
	_, w := run(t, engineConfig(t, h), h.batches)

	whoViewed := projected(t, h, w)
	verdicts := map[v1.Verdict]int{}
	for i, p := range records {
		var together, alone *v1.Access
		for _, x := range whoViewed(p.Identifiers[0]) {
			switch x.OccurredUs {
			case list.item.GetAccess().OccurredUs:
				together = x
			case all[i+1].item.GetAccess().OccurredUs:
				alone = x
			}
		}
		if together == nil || alone == nil {
			t.Fatalf("record %d: its accesses are not listed (%t, %t)", i, together != nil, alone != nil)
		}
		if together.Verdict != alone.Verdict || together.Explanation != alone.Explanation || together.Standing != v1.Standing_STANDING_FINAL {
			t.Errorf("record %d: the list says %s, %s, %s; a look at it alone says %s, %s", i, together.Verdict, together.Explanation,
				together.Standing, alone.Verdict, alone.Explanation)
		}
		verdicts[alone.Verdict]++
	}
	if verdicts[v1.Verdict_VERDICT_EXPLAINED] < 2 || verdicts[v1.Verdict_VERDICT_UNEXPLAINED] == 0 {
		t.Fatalf("the records' verdicts do not differ: %v", verdicts)
	}
}

// strangersBehindPatients picks a reader, and records: two that the reader is explained at, with records between and behind them that
// nobody of the reader's department opened.
func strangersBehindPatients(t *testing.T, h *hospital) (look *v1.AccessEvent, records []*v1.Patient) {
	t.Helper()
	type pair struct{ reader, patient string }
	opened, byDepartment := map[pair]*v1.AccessEvent{}, map[pair]bool{}
	var order []*v1.AccessEvent
	for _, b := range h.batches {
		items, err := b.Items()
		must(t, err)
		for _, it := range items {
			if e := it.GetAccess(); e != nil && len(e.Patients) == 1 && len(e.Patients[0].Identifiers) > 1 {
				patient := proto.PatientKey(e.Patients[0])
				byDepartment[pair{e.Reader.GetDepartment(), patient}] = true
				if p := (pair{proto.ReaderKey(e), patient}); opened[p] == nil && e.Encounter != nil && e.Reader.GetDepartment() != "" {
					opened[p] = e
					order = append(order, e)
				}
			}
		}
	}
	for _, e := range order {
		if e.Action != v1.Action_ACTION_READ || e.Mode == v1.AccessMode_ACCESS_MODE_INCIDENTAL {
			continue
		}
		mine, others := []*v1.Patient{}, []*v1.Patient{}
		seen := map[string]bool{}
		for _, x := range order {
			patient := proto.PatientKey(x.Patients[0])
			switch {
			case seen[patient]:
				continue
			case proto.ReaderKey(x) == proto.ReaderKey(e):
				mine = append(mine, x.Patients[0])
			case !byDepartment[pair{e.Reader.GetDepartment(), patient}]:
				others = append(others, x.Patients[0])
			}
			seen[patient] = true
		}
		if len(mine) >= 2 && len(others) >= 4 {
			return e, []*v1.Patient{mine[0], others[0], others[1], mine[1], others[2], others[3]}
		}
	}
	t.Fatal("no reader has several patients")
	return nil, nil
}

// served folds a journal and what detectors wrote into ClickHouse, and answers questions about it.
func served(t *testing.T, h *hospital, w *written) *api.Service {
	t.Helper()
	db := storetest.Open(t)
	findings, alerts := detectiontest.NewStream[*v1.Findings](), detectiontest.NewStream[*v1.AlertVersion]()
	findings.Publish(w.messages...)
	alerts.Publish(w.versions...)
	head := func() proto.Position { return proto.EndOf(uint64(len(h.batches))) }
	p, err := projections.New(projections.Config{
		Store: db, Head: head, Linger: time.Millisecond, RollupInterval: 5 * time.Millisecond,
		Follow: func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
			for _, b := range h.batches[from.Sequence():] {
				if err := fn(ctx, b); err != nil {
					return err
				}
			}
			<-ctx.Done()
			return ctx.Err()
		},
		Findings: projections.Stream[*v1.Findings]{Follow: findings.Follow, Head: findings.Head},
		Alerts:   projections.Stream[*v1.AlertVersion]{Follow: alerts.Follow, Head: alerts.Head},
	})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	service, err := api.New(api.Config{
		Store: db, Head: head, Live: p.Live, TimeZone: h.zone,
		Ask: func(context.Context, []*v1.Question) error { return nil },
		Version: func(ctx context.Context) (uint64, error) {
			v, err := projections.ActiveVersion(ctx, db)
			return uint64(v), err
		},
		ReadBatch: func(_ context.Context, sequence uint64) (*proto.Batch, error) {
			return h.batches[sequence-1], nil
		},
		Locate: func(context.Context, proto.EventID) (proto.Position, bool, error) { return 0, false, nil },
		JournalStatus: func(context.Context) (api.JournalStatus, error) {
			return api.JournalStatus{Durability: "verified", Reason: "test"}, nil
		},
	})
	must(t, err)
	t.Cleanup(func() {
		must(t, service.Close(context.Background()))
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(3 * time.Minute); !caughtUp(p) || !read(t, p, head()); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not projected: %+v", p.StreamStatus())
		}
	}
	return service
}

// projected answers who viewed a record.
func projected(t *testing.T, h *hospital, w *written) func(*v1.Identifier) []*v1.Access {
	t.Helper()
	service := served(t, h, w)
	return func(of *v1.Identifier) (out []*v1.Access) {
		asking := proto.WithCaller(t.Context(), proto.Caller{Name: "token:1", Role: proto.RoleInvestigator})
		for token := ""; ; {
			res, err := service.WhoViewed(asking, connect.NewRequest(&v1.WhoViewedRequest{
				Patient: of.System + "|" + of.Value, Purpose: "test", Page: &v1.Page{Size: 500, Token: token},
			}))
			must(t, err)
			out = append(out, res.Msg.Accesses...)
			if token = res.Msg.NextPageToken; token == "" {
				return out
			}
		}
	}
}

// read reports whether the projections hold the journal.
func read(t *testing.T, p *projections.Projector, head proto.Position) bool {
	t.Helper()
	all, err := p.Status()
	must(t, err)
	for _, s := range all {
		if s.Position.Sequence() < head.Sequence() {
			return false
		}
	}
	return len(all) > 0
}
