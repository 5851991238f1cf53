package api_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/embedded"
	"github.com/readtrail/readtrail/projections/queries"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// BenchmarkLedger says what a warm question costs, statement by statement: it asks about many records and readers, and then
// repeats the statements of each kind alone. engine-ms/op is processor time of the engine, which holds when others use the machine
// too; rows are read; times is how often a question sends the statement. The data are those that deploy/bench kept, in the
// directory years-N that READTRAIL_BENCH_HOME names; without them there is nothing to measure.
func BenchmarkLedger(b *testing.B) {
	home := os.Getenv("READTRAIL_BENCH_HOME")
	if home == "" {
		b.Skip("READTRAIL_BENCH_HOME names no data")
	}
	l := openLedger(b, home)
	ctx := as(b.Context(), "token:1", proto.RoleInvestigator)
	b.Run("WhoViewed", func(b *testing.B) {
		l.measure(b, len(l.records), func(i int) error {
			_, err := l.service.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: l.records[i], Purpose: "p"}))
			return err
		})
	})
	b.Run("ReaderActivity", func(b *testing.B) {
		l.measure(b, len(l.months), func(i int) error {
			at := l.months[i]
			_, err := l.service.ReaderActivity(ctx, connect.NewRequest(&v1.ReaderActivityRequest{
				Reader: at.reader, Purpose: "p", FromUs: at.from, UntilUs: at.until,
			}))
			return err
		})
	})
}

// ledger is what is asked, and of whom.
type ledger struct {
	service *api.Service
	store   *store.Store
	engine  *embedded.Engine
	records []string
	months  []readerMonth
}

type readerMonth struct {
	reader      string
	from, until int64
}

// measure asks n questions, and then repeats what they sent.
func (l *ledger) measure(b *testing.B, n int, ask func(i int) error) {
	var mu sync.Mutex
	var order []string
	sent := map[string][]store.Params{}
	record := func(name string, params store.Params) {
		mu.Lock()
		defer mu.Unlock()
		if sent[name] == nil {
			order = append(order, name)
		}
		sent[name] = append(sent[name], params)
	}
	for round := range 2 { // once to warm up
		if round == 1 {
			l.service.Record(record)
		}
		for i := range n {
			if err := ask(i); err != nil {
				b.Fatal(err)
			}
		}
	}
	l.service.SetMeter(nil)
	set, err := queries.For(1, queries.Whole)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("whole", func(b *testing.B) { l.repeat(b, func(i int) error { return ask(i % n) }) })
	for _, name := range order {
		b.Run(name, func(b *testing.B) {
			rows := uint64(0)
			times := l.repeat(b, func(i int) error {
				params := sent[name][i%len(sent[name])]
				cost, err := l.store.QueryStats(b.Context(), set[name], params, func(store.Row) error { return nil })
				rows += cost.ReadRows
				return err
			})
			b.ReportMetric(float64(rows)/float64(times), "rows")
			b.ReportMetric(float64(len(sent[name]))/float64(n), "times")
		})
	}
}

// repeat runs something as often as the benchmark wants and reports what the engine used of the processors.
func (l *ledger) repeat(b *testing.B, run func(i int) error) (times int) {
	before := processorTime()
	for b.Loop() {
		if err := run(times); err != nil {
			b.Fatal(err)
		}
		times++
	}
	processorTime().report(b, before, float64(times), "op")
	return times
}

// openLedger starts an engine over kept data, and a service that answers as one beside the projector does.
func openLedger(b *testing.B, home string) *ledger {
	b.Helper()
	cfg := storetest.Config(filepath.Join(home, "data", "clickhouse"))
	cfg.MemoryLimit = 2 << 30 // as deploy/bench
	l := &ledger{}
	var err error
	if l.engine, err = embedded.Start(b.Context(), cfg); err != nil {
		storetest.Skip(b, err)
	}
	b.Cleanup(func() { _ = l.engine.Close() })
	if l.store, err = store.Open(b.Context(), store.Config{DSN: l.engine.DSN()}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.store.Close() })
	live := projections.Live{Version: 1, Changed: make(chan struct{}), Hurry: func(proto.Position) {}}
	l.query(b, "ledger_watermark.sql", func(r store.Row) error {
		var position uint64
		err := r.Scan(&position, &live.Received)
		live.Position = proto.Position(position)
		return err
	})
	l.service, err = api.New(api.Config{
		Store: l.store, Live: func() (projections.Live, bool) { return live, true }, Head: func() proto.Position { return live.Position },
		Version: func(context.Context) (uint64, error) { return 1, nil },
		Ask:     func(context.Context, []*v1.Question) error { return nil },
		Locate: func(context.Context, proto.EventID) (proto.Position, bool, error) {
			return 0, false, errors.New("no journal here")
		},
		ReadBatch:     func(context.Context, uint64) (*proto.Batch, error) { return nil, errors.New("no journal here") },
		JournalStatus: func(context.Context) (api.JournalStatus, error) { return api.JournalStatus{}, nil },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.service.Close(context.Background()) })
	l.query(b, "ledger_records.sql", func(r store.Row) error {
		l.records = append(l.records, "")
		return r.Scan(&l.records[len(l.records)-1])
	})
	l.query(b, "ledger_readers.sql", func(r store.Row) error {
		l.months = append(l.months, readerMonth{})
		m := &l.months[len(l.months)-1]
		return r.Scan(&m.reader, &m.from, &m.until)
	})
	if slices.Min([]int{len(l.records), len(l.months)}) == 0 {
		b.Fatal("the data name nobody")
	}
	return l
}

func (l *ledger) query(b *testing.B, file string, scan func(store.Row) error) {
	b.Helper()
	sql, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		b.Fatal(err)
	}
	if err := l.store.Query(b.Context(), string(sql), nil, scan); err != nil {
		b.Fatalf("%s: %v: %s", file, err, store.Detail(err))
	}
}
