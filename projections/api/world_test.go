package api_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// begin is when the worlds of the tests begin.
var begin = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// world is a journal in memory, the real projector on the real engine, and the service on top.
type world struct {
	t         testing.TB
	store     *store.Store
	keys      *proto.KeyRing
	codec     *proto.Codec
	service   *api.Service
	projector *projections.Projector

	mu       sync.Mutex
	messages [][]byte
	changed  chan struct{}
	now      time.Time
	askFails error
	asked    []*v1.Question
	ids      map[proto.EventID]proto.Position
	minted   int

	// findings and alerts are what detectors wrote.
	findings *detectiontest.Stream[*v1.Findings]
	alerts   *detectiontest.Stream[*v1.AlertVersion]
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, store: storetest.Open(t), changed: make(chan struct{}), now: begin, ids: map[proto.EventID]proto.Position{}}
	w.findings, w.alerts = detectiontest.NewStream[*v1.Findings](), detectiontest.NewStream[*v1.AlertVersion]()
	var err error
	if w.keys, err = proto.OpenKeyRing(t.TempDir(), make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	if w.codec, err = proto.NewCodec(w.keys); err != nil {
		t.Fatal(err)
	}
	w.projector, err = projections.New(projections.Config{
		Store: w.store, Follow: w.follow, Head: w.head, Linger: 30 * time.Millisecond, RollupInterval: 5 * time.Millisecond,
		Findings: projections.Stream[*v1.Findings]{Follow: w.findings.Follow, Head: w.findings.Head},
		Alerts:   projections.Stream[*v1.AlertVersion]{Follow: w.alerts.Follow, Head: w.alerts.Head},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.projector.Run(ctx) }()
	w.service, err = api.New(w.config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.service.Close(context.Background()); err != nil && w.askFails == nil {
			t.Errorf("close: %v", err)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("run: %v", err)
		}
	})
	return w
}

func (w *world) config() api.Config {
	return api.Config{
		Store: w.store, Head: w.head, ReadBatch: w.readBatch, Ask: w.ask, Now: w.clock, SoftwareVersion: "test",
		Logger:  slog.New(slog.NewTextHandler(w.t.Output(), nil)), // what an answer's error hides
		Live:    w.projector.Live,
		Streams: func() api.StreamHeads { return api.StreamHeads{Findings: w.findings.Head(), Alerts: w.alerts.Head()} },
		Version: func(ctx context.Context) (uint64, error) {
			v, err := projections.ActiveVersion(ctx, w.store)
			return uint64(v), err
		},
		Locate: func(_ context.Context, id proto.EventID) (proto.Position, bool, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			p, ok := w.ids[id]
			return p, ok, nil
		},
		JournalStatus: func(context.Context) (api.JournalStatus, error) {
			return api.JournalStatus{Bytes: 1, Messages: uint64(len(w.messages)), Durability: "verified", Reason: "test"}, nil
		},
	}
}

// serve opens a service for the test's time.
func serve(t testing.TB, cfg api.Config) *api.Service {
	t.Helper()
	service, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := service.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return service
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) head() proto.Position {
	w.mu.Lock()
	defer w.mu.Unlock()
	return proto.EndOf(uint64(len(w.messages)))
}

func (w *world) ask(_ context.Context, questions []*v1.Question) error {
	w.mu.Lock()
	fails := w.askFails
	w.mu.Unlock()
	if fails != nil {
		return fails
	}
	items := make([]*v1.Item, len(questions))
	for i, q := range questions {
		items[i] = &v1.Item{Body: &v1.Item_Question{Question: q}}
	}
	w.append(items...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, questions...)
	return nil
}

// append makes one message of the items, received now, and returns the position of the first.
func (w *world) append(items ...*v1.Item) proto.Position {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	batch := make([]proto.BatchItem, len(items))
	sequence := uint64(len(w.messages) + 1)
	for i, it := range items {
		var sealed *v1.SealedItem
		source := ""
		switch body := it.Body.(type) {
		case *v1.Item_Access:
			w.identify(&body.Access.EventId, sequence, i)
			source = body.Access.Source
			sealed = &v1.SealedItem{Original: []byte("original of " + body.Access.SourceEventId), MediaType: "text/plain"}
		case *v1.Item_DeadLetter:
			w.identify(&body.DeadLetter.EventId, sequence, i)
			source = body.DeadLetter.Source
			sealed = &v1.SealedItem{Original: []byte("{broken"), MediaType: "application/fhir+json"}
		}
		item, err := proto.NewBatchItem(it, source, sealed)
		if err != nil {
			w.t.Fatal(err)
		}
		batch[i] = item
	}
	message, err := w.codec.Encode(sequence, w.now, batch)
	if err != nil {
		w.t.Fatal(err)
	}
	w.messages = append(w.messages, message)
	close(w.changed)
	w.changed = make(chan struct{})
	return proto.At(sequence, 0)
}

func (w *world) identify(id *[]byte, sequence uint64, i int) {
	w.minted++
	made := proto.NewEventID(proto.EventIdentity{Source: "test", Key: fmt.Append(nil, w.minted), Recorded: w.now})
	*id = made.Bytes()
	w.ids[made] = proto.At(sequence, i)
}

func (w *world) readBatch(_ context.Context, sequence uint64) (*proto.Batch, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sequence == 0 || sequence > uint64(len(w.messages)) {
		return nil, errors.New("no such message")
	}
	return w.codec.Decode(sequence, w.messages[sequence-1])
}

func (w *world) follow(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error {
	for next := from.Sequence() + 1; ; {
		w.mu.Lock()
		changed, n := w.changed, uint64(len(w.messages))
		w.mu.Unlock()
		if next > n {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-changed:
			}
			continue
		}
		b, err := w.readBatch(ctx, next)
		if err != nil {
			return err
		}
		if err := fn(ctx, b); err != nil {
			return err
		}
		next++
	}
}

// unfence lets the test write the projections' tables; the projector has nothing to do meanwhile.
func (w *world) unfence() {
	w.t.Helper()
	if err := projections.Unfence(context.Background(), w.store, 1); err != nil {
		w.t.Fatalf("%v: %s", err, store.Detail(err))
	}
}

// settle waits until the projections hold the journal.
func (w *world) settle() {
	w.t.Helper()
	target := w.head()
	for range 6000 {
		if live, ok := w.projector.Live(); ok {
			live.Hurry(target)
		}
		all, err := w.projector.Status()
		if err != nil {
			w.t.Fatal(err)
		}
		behind := len(all) == 0
		for _, s := range all {
			behind = behind || s.Position.Sequence() < target.Sequence()
		}
		for _, s := range w.projector.StreamStatus() {
			behind = behind || s.Sequence < s.Head
		}
		if !behind {
			return
		}
		select {
		case <-w.t.Context().Done():
			w.t.Fatal(w.t.Context().Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
	w.t.Fatal("the projections do not catch up")
}

// as returns a context with a caller.
func as(ctx context.Context, name, role string) context.Context {
	return proto.WithCaller(ctx, proto.Caller{Name: name, Role: role})
}

func (w *world) ctx() context.Context { return as(w.t.Context(), "token:1", proto.RoleInvestigator) }

// access makes an event; edit changes it.
func access(source string, occurred time.Time, patient, reader *v1.Identifier, edit ...func(*v1.AccessEvent)) *v1.Item {
	e := &v1.AccessEvent{
		Source: source, OccurredUs: occurred.UnixMicro(), RecordedUs: occurred.UnixMicro(), Action: v1.Action_ACTION_READ,
		Outcome: v1.Outcome_OUTCOME_SUCCESS, Mode: v1.AccessMode_ACCESS_MODE_DELIBERATE, Format: "R4",
	}
	if patient != nil {
		e.Patients = []*v1.Patient{{Identifiers: []*v1.Identifier{patient}}}
	}
	if reader != nil {
		e.Reader = &v1.Reader{Identifiers: []*v1.Identifier{reader}, Name: "Name of " + reader.Value, Type: v1.ReaderType_READER_TYPE_PRACTITIONER}
	}
	for _, f := range edit {
		f(e)
	}
	return &v1.Item{Body: &v1.Item_Access{Access: e}}
}

func id(system, value string) *v1.Identifier { return &v1.Identifier{System: system, Value: value} }

// registered makes a registration of a source.
func registered(s *v1.SourceRegistered) *v1.Item {
	return &v1.Item{Body: &v1.Item_Source{Source: s}}
}

// patientFact makes a version of a Patient resource of a source, with links to others.
func patientFact(source, resource, name string, ids []*v1.Identifier, links ...*v1.IdentityLink) *v1.Item {
	self := id("source:"+source, "Patient/"+resource)
	return &v1.Item{Body: &v1.Item_Context{Context: &v1.ContextFact{
		Source: source, ResourceType: "Patient", ResourceId: resource, Display: name,
		Identifiers: append([]*v1.Identifier{self}, ids...), Links: links,
	}}}
}
