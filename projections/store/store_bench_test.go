package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
)

const benchTable = `CREATE TABLE IF NOT EXISTS bench (
	position UInt64 CODEC(DoubleDelta, ZSTD), at DateTime64(6, 'UTC') CODEC(DoubleDelta, ZSTD), patient String, reader String,
	action Enum8('read' = 1, 'change' = 2), department LowCardinality(String), object LowCardinality(String), workstation String,
	purpose LowCardinality(Nullable(String))
) ENGINE = MergeTree ORDER BY (patient, position)
SETTINGS index_granularity = 512, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1`

var benchColumns = []string{"position", "at", "patient", "reader", "action", "department", "object", "workstation", "purpose"}

// benchRows are columns of random accesses; made once, appended many times.
type benchRows struct {
	position                                                 []uint64
	at                                                       []time.Time
	patient, reader, action, department, object, workstation []string
	purpose                                                  []*string
}

func newBenchRows(n int) *benchRows {
	r := &benchRows{}
	random := rand.New(rand.NewPCG(1, 2))
	purpose := "TREAT"
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range n {
		r.position = append(r.position, uint64(i))
		r.at = append(r.at, start.Add(time.Duration(i)*time.Millisecond))
		r.patient = append(r.patient, fmt.Sprintf("hospital|%08d", random.IntN(500_000)))
		r.reader = append(r.reader, fmt.Sprintf("hospital|u%05d", random.IntN(5_000)))
		r.action = append(r.action, []string{"read", "read", "read", "change"}[random.IntN(4)])
		r.department = append(r.department, fmt.Sprintf("ward %d", random.IntN(60)))
		r.object = append(r.object, []string{"Patient", "Observation", "DocumentReference"}[random.IntN(3)])
		r.workstation = append(r.workstation, fmt.Sprintf("ws%04d", random.IntN(3_000)))
		r.purpose = append(r.purpose, []*string{&purpose, nil}[random.IntN(2)])
	}
	return r
}

func (r *benchRows) append(b store.Batch) error {
	return errors.Join(b.Column(0).Append(r.position), b.Column(1).Append(r.at), b.Column(2).Append(r.patient), b.Column(3).Append(r.reader),
		b.Column(4).Append(r.action), b.Column(5).Append(r.department), b.Column(6).Append(r.object), b.Column(7).Append(r.workstation),
		b.Column(8).Append(r.purpose))
}

// BenchmarkInsert writes synced batches of random accesses, columns at a time.
func BenchmarkInsert(b *testing.B) {
	for _, size := range []int{100, 10_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := storetest.Open(b)
			exec1(b, s, benchTable)
			rows := newBenchRows(size)
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Insert(b.Context(), "bench", benchColumns, rows.append); err != nil {
					b.Fatal(store.Detail(err))
				}
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkQuery asks small questions of a table of 2 M rows, which is what a page of the console does.
func BenchmarkQuery(b *testing.B) {
	s := storetest.Open(b)
	exec1(b, s, benchTable)
	exec1(b, s, `INSERT INTO bench SELECT number, toDateTime64('2026-01-01', 6, 'UTC') + number / 1000, concat('hospital|', toString(intHash64(number) % 500000)),
		concat('u', toString(number % 5000)), 'read', 'ward', 'Patient', 'ws', NULL FROM numbers(2000000)`)
	exec1(b, s, "OPTIMIZE TABLE bench FINAL")
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			if err := s.Query(b.Context(), "SELECT 1", nil, func(store.Row) error { return nil }); err != nil {
				b.Fatal(store.Detail(err))
			}
		}
	})
	b.Run("patient", func(b *testing.B) {
		rows := 0
		for b.Loop() {
			err := s.Query(b.Context(), "SELECT position, at, reader, department, purpose FROM bench WHERE patient = {p:String} ORDER BY position DESC LIMIT 100",
				store.Params{"p": "hospital|4711"}, func(r store.Row) error {
					var (
						position           uint64
						at                 time.Time
						reader, department string
						purpose            *string
					)
					rows++
					return r.Scan(&position, &at, &reader, &department, &purpose)
				})
			if err != nil {
				b.Fatal(store.Detail(err))
			}
		}
	})
	b.Run("rows", func(b *testing.B) {
		const rows = 1_000_000
		for b.Loop() {
			err := s.Query(b.Context(), "SELECT position, patient FROM bench LIMIT 1000000", nil, func(r store.Row) error {
				var (
					position uint64
					patient  string
				)
				return r.Scan(&position, &patient)
			})
			if err != nil {
				b.Fatal(store.Detail(err))
			}
		}
		b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
	})
}
