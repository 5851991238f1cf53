package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }

func exec1(t testing.TB, s *store.Store, sql string) {
	t.Helper()
	if err := s.Exec(context.Background(), sql, nil); err != nil {
		t.Fatalf("%s: %v: %s", sql, err, store.Detail(err))
	}
}

func one[T any](t testing.TB, s *store.Store, sql string, params store.Params) T {
	t.Helper()
	var v T
	n := 0
	err := s.Query(context.Background(), sql, params, func(r store.Row) error { n++; return r.Scan(&v) })
	if err != nil || n != 1 {
		t.Fatalf("%s: %d rows, %v: %s", sql, n, err, store.Detail(errors.Join(err)))
	}
	return v
}

// event has one column of each kind that the read models use.
type event struct {
	Position uint64
	At       time.Time
	Day      time.Time
	Patient  string
	Action   string // LowCardinality
	Kind     string // Enum8
	Hash     string // FixedString(16)
	Note     *string
	Labels   []string
	Counts   []uint32
	Extra    map[string]string
	Score    float64
	Flag     bool
	Small    int8
	Maybe    []*string
	LowNull  *string
	UUID     string
}

const eventsTable = `CREATE TABLE events (
	position UInt64, at DateTime64(6, 'UTC'), day Date, patient String, action LowCardinality(String),
	kind Enum8('read' = 1, 'change' = 2), hash FixedString(16), note Nullable(String), labels Array(LowCardinality(String)),
	counts Array(UInt32), extra Map(LowCardinality(String), String), score Float64, flag Bool, small Int8,
	maybe Array(Nullable(String)), lownull LowCardinality(Nullable(String)), uuid UUID
) ENGINE = MergeTree ORDER BY position`

var eventColumns = []string{"position", "at", "day", "patient", "action", "kind", "hash", "note", "labels", "counts", "extra", "score", "flag", "small", "maybe", "lownull", "uuid"}

func (e event) values() []any {
	return []any{e.Position, e.At, e.Day, e.Patient, e.Action, e.Kind, e.Hash, e.Note, e.Labels, e.Counts, e.Extra, e.Score, e.Flag, e.Small, e.Maybe, e.LowNull, e.UUID}
}

func sampleEvents() []event {
	at := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	return []event{
		{
			1, at, at.Truncate(24 * time.Hour), "MRN 1; 'quote' \\ \x00 \n \t é 😀", "read", "read", "0123456789abcdef", new("a; note"),
			[]string{"VIP", ""},
			[]uint32{0, math.MaxUint32},
			map[string]string{"k": "v;'"},
			math.Pi, true, -128,
			[]*string{new("x"), nil},
			new("low"), "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
		},
		{
			math.MaxUint64, time.Date(1900, 1, 1, 0, 0, 0, 1000, time.UTC), time.Unix(0, 0).UTC(), "", "", "change", strings.Repeat("\x00", 16), nil,
			[]string{},
			[]uint32{},
			map[string]string{},
			math.Inf(-1), false, 127,
			[]*string{},
			nil, "00000000-0000-0000-0000-000000000000",
		},
	}
}

func TestTypesSurvive(t *testing.T) {
	s := storetest.Open(t)
	exec1(t, s, eventsTable)
	want := sampleEvents()
	for range 2 { // the second time with the types of the columns known
		exec1(t, s, "TRUNCATE TABLE events")
		for _, e := range want {
			err := s.Insert(t.Context(), "events", eventColumns, func(b store.Batch) error { return b.Append(e.values()...) })
			if err != nil {
				t.Fatalf("%v: %s", err, store.Detail(err))
			}
		}
		var got []event
		err := s.Query(t.Context(), "SELECT * FROM events ORDER BY position", nil, func(r store.Row) error {
			var e event
			if diff := cmp.Diff(eventColumns, r.Columns()); diff != "" {
				t.Error(diff)
			}
			err := r.Scan(&e.Position, &e.At, &e.Day, &e.Patient, &e.Action, &e.Kind, &e.Hash, &e.Note, &e.Labels, &e.Counts, &e.Extra, &e.Score, &e.Flag, &e.Small, &e.Maybe, &e.LowNull, &e.UUID)
			got = append(got, e)
			return err
		})
		if err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestStates: states of aggregate functions stay inside ClickHouse and are finished in SQL.
func TestStates(t *testing.T) {
	s := storetest.Open(t)
	exec1(t, s, `CREATE TABLE src (patient String, at DateTime64(6, 'UTC'), position UInt64) ENGINE = MergeTree ORDER BY patient`)
	exec1(t, s, `CREATE TABLE roll (patient String, first SimpleAggregateFunction(min, DateTime64(6, 'UTC')), readers AggregateFunction(uniq, UInt64),
		bits AggregateFunction(groupBitmap, UInt64)) ENGINE = AggregatingMergeTree ORDER BY patient`)
	exec1(t, s, `CREATE MATERIALIZED VIEW v TO roll AS SELECT patient, min(at) AS first, uniqState(position) AS readers, groupBitmapState(position) AS bits FROM src GROUP BY patient`)
	at := time.Date(2026, 1, 1, 0, 0, 0, 7000, time.UTC)
	for i := range uint64(3) {
		err := s.Insert(t.Context(), "src", []string{"patient", "at", "position"}, func(b store.Batch) error {
			return errors.Join(b.Column(0).Append([]string{"a", "a"}), b.Column(1).Append([]time.Time{at, at.Add(time.Hour)}), b.Column(2).Append([]uint64{i, i + 1}))
		})
		if err != nil {
			t.Fatalf("%v: %s", err, store.Detail(err))
		}
	}
	var first time.Time
	var readers, bits uint64
	err := s.Query(t.Context(), "SELECT min(first), uniqMerge(readers), groupBitmapMerge(bits) FROM roll", nil, func(r store.Row) error { return r.Scan(&first, &readers, &bits) })
	if err != nil || !first.Equal(at) || readers != 4 || bits != 4 {
		t.Errorf("%v %d %d %v", first, readers, bits, err)
	}
	if err := s.Query(t.Context(), "SELECT readers FROM roll", nil, func(store.Row) error { return nil }); err == nil {
		t.Error("a bare state was answered")
	}
	if got := one[uint64](t, s, "SELECT toUInt64(1)", nil); got != 1 {
		t.Error("the session is spoilt")
	}
}

func TestParameters(t *testing.T) {
	s := storetest.Open(t)
	nasty := []string{
		"", "plain", "it's", `back\slash`, `\`, `\N`, "NULL", "tab\tnew\nline\rend", "nul\x00byte", "`tick`", `"double"`, "{a:String}", "?", "$1", "'; DROP TABLE x; --",
		"é 😀 \u2028", "%_", "a,b]", "['x']", "\x80\xff", "  spaces  ", "#", "--", "/* */", strings.Repeat("long", 20_000),
	}
	for _, want := range nasty {
		if got := one[string](t, s, "SELECT {v:String}", store.Params{"v": want}); got != want {
			t.Errorf("%.40q came back as %.40q", want, got)
		}
	}
	if got := one[[]string](t, s, "SELECT {v:Array(String)}", store.Params{"v": nasty}); !cmp.Equal(got, nasty) {
		t.Errorf("array: %s", cmp.Diff(nasty, got))
	}
	at := time.Date(2026, 3, 29, 1, 59, 59, 123456000, time.UTC)
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, moment := range []time.Time{at, at.In(zone), at.Truncate(time.Second), at.Truncate(time.Millisecond), time.Date(1955, 5, 5, 5, 5, 5, 5000, time.UTC)} {
		if got := one[time.Time](t, s, "SELECT {v:DateTime64(6, 'UTC')}", store.Params{"v": moment}); !got.Equal(moment) {
			t.Errorf("%v came back as %v", moment, got)
		}
	}
	if got := one[[]time.Time](t, s, "SELECT {v:Array(DateTime64(6, 'UTC'))}", store.Params{"v": []time.Time{at, at.In(zone)}}); !got[0].Equal(at) || !got[1].Equal(at) {
		t.Errorf("times came back as %v", got)
	}
	if got := one[[]uint64](t, s, "SELECT {v:Array(UInt64)}", store.Params{"v": []uint64{0, math.MaxUint64}}); !cmp.Equal(got, []uint64{0, math.MaxUint64}) {
		t.Errorf("numbers came back as %v", got)
	}
	if got := one[*string](t, s, "SELECT {v:Nullable(String)}", store.Params{"v": nil}); got != nil {
		t.Errorf("NULL came back as %q", *got)
	}
	if got := one[uint64](t, s, "SELECT count() FROM system.{table:Identifier}", store.Params{"table": "one"}); got != 1 {
		t.Errorf("identifier: %d", got)
	}
	if got := one[bool](t, s, "SELECT {a:Bool} AND {b:Int64} = -1 AND {c:Float64} = 0.5 AND {d:Date} = '2026-03-29'", store.Params{"a": true, "b": int64(-1), "c": 0.5, "d": "2026-03-29"}); !got {
		t.Error("scalars")
	}
	big := make([]uint64, 20_000)
	for i := range big {
		big[i] = math.MaxUint64 - uint64(i)
	}
	if got := one[uint64](t, s, "SELECT length({v:Array(UInt64)})", store.Params{"v": big}); got != uint64(len(big)) {
		t.Errorf("%d of %d", got, len(big))
	}
}

func TestParametersMustFit(t *testing.T) {
	s := storetest.Open(t)
	for name, call := range map[string]struct {
		sql    string
		params store.Params
	}{
		"missing":         {"SELECT {a:String}", nil},
		"too many":        {"SELECT {a:String}", store.Params{"a": "x", "b": "y"}},
		"without a place": {"SELECT 1", store.Params{"a": "x"}},
	} {
		if err := s.Query(t.Context(), call.sql, call.params, func(store.Row) error { return nil }); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestErrors: an error says what to do and nothing about the values.
func TestErrors(t *testing.T) {
	s := storetest.Open(t)
	const secret = "MRN-4711"
	for _, tc := range []struct {
		name, sql string
		params    store.Params
		code      int32
		passing   bool
	}{
		{"unknown table", "SELECT {a:String} FROM nowhere", store.Params{"a": secret}, store.CodeUnknownTable, false},
		{"value of another type", "SELECT {a:UInt8}", store.Params{"a": secret}, 457, false},
		{"thrown", "SELECT throwIf(1, {a:String})", store.Params{"a": secret}, 0, false},
		{"in the middle", "SELECT number, throwIf(number = 5000000, 'MRN-4711') FROM numbers(10000000) WHERE {a:String} != ''", store.Params{"a": secret}, 395, false},
		{"too much memory", "SELECT groupArray(concat(number::String, {a:String})) FROM numbers(100000000) SETTINGS max_memory_usage = 20000000", store.Params{"a": secret}, 241, true},
		{"too long", "SELECT max(sipHash64(number, {a:String})) FROM numbers(100000000000) SETTINGS max_execution_time = 0.1", store.Params{"a": secret}, 159, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := s.Query(t.Context(), tc.sql, tc.params, func(store.Row) error { return nil })
			if err == nil || (tc.code != 0 && store.Code(err) != tc.code) || errors.Is(err, store.ErrUnavailable) != tc.passing {
				t.Errorf("got %v (%s)", err, store.Detail(err))
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the value is in %q", err)
			}
		})
	}
	t.Run("deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		err := s.Query(ctx, "SELECT max(sipHash64(number)) FROM numbers(100000000000)", nil, func(store.Row) error { return nil })
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := s.Exec(ctx, "SELECT 1", nil)
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := l.Addr().String()
		_ = l.Close()
		for _, dsn := range []string{"http://u:pw-secret@" + address + "/d", "clickhouse://u:pw-secret@" + address + "/d", "http+unix://u:pw-secret@x/?socket=/nonexistent/socket"} {
			_, err := store.Open(t.Context(), store.Config{DSN: dsn})
			if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "pw-secret") {
				t.Errorf("%s gives %v", dsn, err)
			}
		}
	})
	t.Run("values that do not fit", func(t *testing.T) {
		exec1(t, s, "CREATE TABLE fit (a UInt8) ENGINE = Memory")
		err := s.Insert(t.Context(), "fit", []string{"a"}, func(b store.Batch) error { return b.Append(secret) })
		if err == nil || strings.Contains(err.Error(), secret) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		err = s.Query(t.Context(), "SELECT 'MRN-4711'", nil, func(r store.Row) error { var n uint8; return r.Scan(&n) })
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("got %v", err)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for _, dsn := range []string{"", "nonsense", "ftp://u:pw-secret@h/", "http+unix://u:pw-secret@x/", "http://u:pw-sec%ret@h:x/", "mysql://u:pw-secret@h"} {
		err := store.Config{DSN: dsn}.Validate()
		if err == nil || strings.Contains(err.Error(), "pw-sec") {
			t.Errorf("%q gives %v", dsn, err)
		}
	}
	for _, dsn := range []string{"clickhouse://u:p@a:9000,b:9000/d?dial_timeout=1s", "https://u:p@h:8443/d", "http://h:8123", "http+unix://u:p@engine/?socket=/s"} {
		if err := (store.Config{DSN: dsn}).Validate(); err != nil {
			t.Errorf("%q gives %v", dsn, err)
		}
	}
}

// TestInsertIsAllOrNothing: a batch that is not sent leaves nothing, and no connection is lost.
func TestInsertIsAllOrNothing(t *testing.T) {
	s := storetest.OpenWith(t, store.Config{MaxConns: 2})
	exec1(t, s, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	boom := errors.New("boom")
	for range 10 { // more often than there are connections
		err := s.Insert(t.Context(), "t", []string{"a"}, func(b store.Batch) error {
			if err := b.Append(uint64(1)); err != nil {
				return err
			}
			return boom
		})
		if !errors.Is(err, boom) {
			t.Fatalf("got %v", err)
		}
		if err := s.Insert(t.Context(), "t", []string{"a"}, func(store.Batch) error { return nil }); err != nil {
			t.Fatalf("an empty batch: %v", err)
		}
		if err := s.Insert(t.Context(), "t", []string{"nosuch"}, func(store.Batch) error { return nil }); err == nil {
			t.Fatal("an unknown column was accepted")
		}
	}
	if n := one[uint64](t, s, "SELECT count() FROM t", nil); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// TestChangedTable: an insert after the table has changed under a store that knows its old columns.
func TestChangedTable(t *testing.T) {
	s := storetest.Open(t)
	exec1(t, s, "CREATE TABLE t (a UInt8, b UInt8) ENGINE = MergeTree ORDER BY a")
	insert := func() error {
		return s.Insert(t.Context(), "t", []string{"a", "b"}, func(b store.Batch) error { return b.Append(uint8(1), uint8(2)) })
	}
	if err := insert(); err != nil {
		t.Fatal(err)
	}
	other, err := store.Open(t.Context(), store.Config{DSN: storetest.Engine(t).DSN(), Database: s.Database()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close() }()
	exec1(t, other, "ALTER TABLE t MODIFY COLUMN b UInt64")
	if err := insert(); err != nil {
		t.Errorf("a wider column: %v: %s", err, store.Detail(err))
	}
	exec1(t, other, "ALTER TABLE t RENAME COLUMN b TO c")
	if err := insert(); err == nil {
		t.Error("a column that has gone was accepted")
	}
}

func TestOneInsertIsOnePart(t *testing.T) {
	s := storetest.Open(t)
	exec1(t, s, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	const rows = 1_000_000
	values := make([]uint64, rows)
	for i := range values {
		values[i] = uint64(i)
	}
	if err := s.Insert(t.Context(), "t", []string{"a"}, func(b store.Batch) error { return b.Column(0).Append(values) }); err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
	if n := one[uint64](t, s, "SELECT count() FROM system.parts WHERE database = currentDatabase() AND active AND rows = 1000000", nil); n != 1 {
		t.Errorf("%d parts", n)
	}
	if sum := one[uint64](t, s, "SELECT sum(a) FROM t", nil); sum != rows*(rows-1)/2 {
		t.Errorf("sum %d", sum)
	}
	// The same rows again: no deduplication.
	if err := s.Insert(t.Context(), "t", []string{"a"}, func(b store.Batch) error { return b.Column(0).Append(values) }); err != nil {
		t.Fatal(err)
	}
	if n := one[uint64](t, s, "SELECT count() FROM t", nil); n != 2*rows {
		t.Errorf("%d rows", n)
	}
}

func TestStatsCountRowsRead(t *testing.T) {
	s := storetest.Open(t)
	exec1(t, s, "CREATE TABLE t (a UInt64, b UInt64) ENGINE = MergeTree ORDER BY a SETTINGS index_granularity = 1000")
	exec1(t, s, "INSERT INTO t SELECT number, number FROM numbers(100000)")
	for _, tc := range []struct {
		sql  string
		rows uint64
	}{
		{"SELECT * FROM t WHERE a = 50500", 1000},
		{"SELECT * FROM t WHERE b = 200000", 100_000}, // no row in the answer
		{"SELECT count() FROM t WHERE a BETWEEN 1500 AND 2500", 2000},
	} {
		stats, err := s.QueryStats(t.Context(), tc.sql, nil, func(store.Row) error { return nil })
		if err != nil || stats.ReadRows != tc.rows || stats.ReadBytes == 0 || stats.Elapsed <= 0 {
			t.Errorf("%s: %+v, %v", tc.sql, stats, err)
		}
	}
	var plan []string
	err := s.Query(t.Context(), "EXPLAIN indexes = 1 SELECT * FROM t WHERE a = 50500", nil, func(r store.Row) error {
		var line string
		err := r.Scan(&line)
		plan = append(plan, strings.TrimSpace(line))
		return err
	})
	if err != nil || !strings.Contains(strings.Join(plan, "\n"), "Granules: 1/100") {
		t.Errorf("%v: %s", err, strings.Join(plan, "\n"))
	}
	if granules, err := s.Granules(t.Context(), "SELECT * FROM t WHERE a = 50500", nil); err != nil || granules != 1 {
		t.Errorf("granules: %d, %v", granules, err)
	}
}

func TestStop(t *testing.T) {
	s := storetest.OpenWith(t, store.Config{MaxConns: 1})
	for range 3 {
		n := 0
		err := s.Query(t.Context(), "SELECT number FROM numbers(1000000000)", nil, func(store.Row) error {
			if n++; n == 10 {
				return store.Stop()
			}
			return nil
		})
		if err != nil || n != 10 {
			t.Fatalf("%d rows, %v", n, err)
		}
	}
}

func TestConcurrentQueries(t *testing.T) {
	s := storetest.OpenWith(t, store.Config{MaxConns: 16})
	exec1(t, s, "CREATE TABLE t (a UInt64, who UInt8) ENGINE = MergeTree ORDER BY a")
	var all sync.WaitGroup
	for who := range uint8(16) {
		all.Go(func() {
			for i := range uint64(20) {
				limited := s.With(store.Settings{"max_threads": fmt.Sprint(who%4 + 1)})
				var threads, echo uint64
				err := limited.Query(t.Context(), "SELECT toUInt64(getSetting('max_threads')), {v:UInt64}", store.Params{"v": i}, func(r store.Row) error { return r.Scan(&threads, &echo) })
				if err != nil || threads != uint64(who%4+1) || echo != i {
					t.Errorf("%d threads, echo %d of %d: %v", threads, echo, i, err)
				}
				if err := s.Insert(t.Context(), "t", []string{"a", "who"}, func(b store.Batch) error { return b.Append(i, who) }); err != nil {
					t.Errorf("%v: %s", err, store.Detail(err))
				}
			}
		})
	}
	all.Wait()
	if n := one[uint64](t, s, "SELECT uniqExact(a, who) FROM t", nil); n != 16*20 {
		t.Errorf("%d rows", n)
	}
}

// TestCancel: statements started under a name end, wherever they were started, before Cancel returns.
func TestCancel(t *testing.T) {
	s := storetest.Open(t)
	exec1(t, s, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	exec1(t, s, "CREATE TABLE slow (a UInt64) ENGINE = Null")
	exec1(t, s, "CREATE MATERIALIZED VIEW v TO t AS SELECT a + sleepEachRow(0.01) AS a FROM slow")
	ended := make(chan error, 1)
	go func() {
		ended <- s.With(store.Settings{"function_sleep_max_microseconds_per_block": "100000000"}).
			InsertAs(t.Context(), "projector-7", "slow", []string{"a"}, func(b store.Batch) error { return b.Column(0).Append(make([]uint64, 5000)) })
	}()
	for one[uint64](t, s, "SELECT count() FROM system.processes WHERE query LIKE '%projector-7%INSERT%' AND query NOT LIKE '%system.processes%'", nil) == 0 {
		select {
		case err := <-ended:
			t.Fatalf("the insert ended: %v: %s", err, store.Detail(err))
		default:
		}
	}
	if err := s.Cancel(t.Context(), "projector-8"); err != nil {
		t.Errorf("cancel of nothing: %v: %s", err, store.Detail(err))
	}
	if err := s.Cancel(t.Context(), "projector-7"); err != nil {
		t.Fatalf("%v: %s", err, store.Detail(err))
	}
	if n := one[uint64](t, s, "SELECT count() FROM system.processes WHERE query LIKE '%projector-7%INSERT%' AND query NOT LIKE '%system.processes%'", nil); n != 0 {
		t.Errorf("%d still run", n)
	}
	if err := <-ended; store.Code(err) != store.CodeQueryCancelled || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the insert ended with %v", err)
	}
	for _, name := range []string{"", "a'b", "a%"} {
		if err := s.Cancel(t.Context(), name); err == nil {
			t.Errorf("name %q was accepted", name)
		}
	}
}

func TestPinnedSettings(t *testing.T) {
	s := storetest.OpenWith(t, store.Config{Settings: store.Settings{"max_threads": "1"}})
	for name, want := range map[string]string{"async_insert": "0", "deduplicate_insert": "disable", "insert_deduplicate": "0", "max_threads": "1", "max_execution_time": "600"} {
		if got := one[string](t, s, "SELECT value FROM system.settings WHERE name = {n:String}", store.Params{"n": name}); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// TestRowsThatAnIndexLeftOut: what one statement leaves out, by a skip index or because others come first, the next one of the same PREWHERE finds
// when its WHERE lets it through.
func TestRowsThatAnIndexLeftOut(t *testing.T) {
	s := storetest.Open(t)
	for _, sql := range []string{
		`CREATE TABLE left_out (k UInt64, n UInt64, position UInt64, INDEX positions position TYPE minmax GRANULARITY 4)
			ENGINE = MergeTree ORDER BY (k, n) SETTINGS index_granularity = 1024`,
		"SYSTEM STOP MERGES left_out",
		"INSERT INTO left_out SELECT intDiv(number, 2000), number, 3 FROM numbers(10000)",
		"INSERT INTO left_out SELECT intDiv(number, 2000), number, 10 FROM numbers(10000)",
	} {
		if err := s.Exec(t.Context(), sql, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		rows  string
		until uint64
		want  uint64
	}{
		{"ORDER BY position DESC LIMIT 1", 20, 1},
		{"", 5, 4000},
		{"", 20, 8000},
	} {
		got := one[uint64](t, s, "SELECT count() FROM (SELECT position FROM left_out PREWHERE k IN {keys:Array(UInt64)} WHERE position <= {until:UInt64} "+step.rows+")",
			store.Params{"keys": []uint64{1, 2}, "until": step.until})
		if got != step.want {
			t.Errorf("%d rows up to %d %s, want %d", got, step.until, step.rows, step.want)
		}
	}
}
