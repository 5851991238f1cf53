package projections_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/projections/store/storetest"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// benchEvents is how many accesses a benchmark projects; READTRAIL_BENCH_EVENTS changes it.
func benchEvents(b *testing.B) int {
	b.Helper()
	text := os.Getenv("READTRAIL_BENCH_EVENTS")
	if text == "" {
		return 200_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// hospital makes accesses as a record system reports them: a reader opens a patient's chart and touches some objects in
// it within minutes; a reader has a department, its workstations and its patients; few accesses are lists or logins.
func hospital(n int) []*v1.AccessEvent {
	r := rand.New(rand.NewPCG(1, 2))
	const staff, patients, departments = 2000, 40_000, 60
	begin := time.Date(2025, 3, 3, 0, 0, 0, 0, time.UTC).UnixMilli()
	span := int64(n) * 28 * 86_400_000 / (staff * 40 * 28)
	actions := []v1.Action{v1.Action_ACTION_READ, v1.Action_ACTION_READ, v1.Action_ACTION_READ, v1.Action_ACTION_SEARCH, v1.Action_ACTION_UPDATE, v1.Action_ACTION_CREATE}
	types := []string{"DocumentReference", "Observation", "DiagnosticReport", "MedicationRequest", "ImagingStudy"}
	out := make([]*v1.AccessEvent, 0, n+20)
	for len(out) < n {
		reader := r.IntN(staff)
		department := reader % departments
		patient := (department*patients/departments + int(float64(patients/departments)*r.Float64()*r.Float64())) % patients
		at := begin + r.Int64N(span)
		seat := r.IntN(8)
		encounter := fmt.Sprintf("Encounter/e%08x", uint32(patient*7919))
		for range 1 + r.IntN(8) {
			at += r.Int64N(40_000)
			e := &v1.AccessEvent{
				Source: "ehr", OccurredUs: at * 1000, RecordedUs: at * 1000, Action: actions[r.IntN(len(actions))], ActionCode: "R",
				Outcome: v1.Outcome_OUTCOME_SUCCESS, Mode: v1.AccessMode_ACCESS_MODE_DELIBERATE,
				Type:     &v1.Coding{System: "http://terminology.hl7.org/CodeSystem/audit-event-type", Code: "rest"},
				Subtypes: []*v1.Coding{{System: "http://hl7.org/fhir/restful-interaction", Code: "read"}},
				Patients: []*v1.Patient{{Identifiers: []*v1.Identifier{
					{System: "https://ehr.example/fhir", Value: fmt.Sprintf("Patient/p%07d", patient)},
					{System: "urn:oid:2.16.840.1.113883.19.5", Value: fmt.Sprintf("%08d", patient*31+11)},
				}}},
				Reader: &v1.Reader{
					Identifiers: []*v1.Identifier{{System: "https://ehr.example/fhir", Value: fmt.Sprintf("Practitioner/d%05d", reader)}},
					Name:        fmt.Sprintf("Clinician %d", reader), Type: v1.ReaderType_READER_TYPE_PRACTITIONER,
					Role:       &v1.Coding{System: "http://snomed.info/sct", Code: strconv.Itoa(1000 + reader%12), Display: "Role " + strconv.Itoa(reader%12)},
					Department: "Department " + strconv.Itoa(department),
				},
				Encounter: &v1.Identifier{System: "https://ehr.example/fhir", Value: encounter},
				Site:      "General Hospital", Observer: "ehr-main", Format: "R4",
				Workstation:    fmt.Sprintf("WS-%d-%d", department, seat),
				NetworkAddress: fmt.Sprintf("10.20.%d.%d", department, 10+seat),
				SourceEventId:  fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()),
			}
			e.EventId = []byte(fmt.Sprintf("%020d", r.Uint64()))
			if r.IntN(10) < 7 {
				e.Objects = []*v1.Object{{Type: types[r.IntN(len(types))]}}
				e.Objects[0].Id = &v1.Identifier{System: "https://ehr.example/fhir", Value: fmt.Sprintf("%s/%016x", e.Objects[0].Type, uint64(patient)<<20|uint64(r.IntN(40)))}
			}
			if r.IntN(10) == 0 {
				e.Purposes = []*v1.Coding{{Code: "TREAT"}}
			}
			if r.IntN(5) == 0 {
				e.RequestId = fmt.Sprintf("%016x", r.Uint64())
			}
			if r.IntN(20) == 0 {
				e.Patients, e.Objects, e.Encounter = nil, nil, nil
			}
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *v1.AccessEvent) int { return cmp.Compare(a.OccurredUs, b.OccurredUs) })
	return out[:n]
}

// benchJournal fills a journal with messages of a size.
func benchJournal(b *testing.B, events, perMessage int) *memoryJournal {
	b.Helper()
	j := newMemoryJournal(b)
	all := hospital(events)
	for i := 0; i < len(all); i += perMessage {
		items := make([]*v1.Item, 0, perMessage)
		for _, e := range all[i:min(len(all), i+perMessage)] {
			items = append(items, &v1.Item{Body: &v1.Item_Access{Access: e}})
		}
		received := time.UnixMicro(all[i].OccurredUs + 3_000_000)
		j.append(b, received, items...)
	}
	return j
}

// BenchmarkProject is the read side end to end, from encoded messages to rows on disk with the watermark, and what the
// rows take on disk.
func BenchmarkProject(b *testing.B) {
	for _, perMessage := range []int{4096, 64} {
		b.Run(fmt.Sprintf("message=%d", perMessage), func(b *testing.B) {
			events := benchEvents(b)
			j := benchJournal(b, events, perMessage)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				s := storetest.Open(b)
				p := quietProjector(b, s, j)
				target := j.Head()
				before, peak := processorTime(), peakMemory()
				b.StartTimer()
				stop := running(b, p)
				waitFor(b, "the watermark", func() bool { return reached(p, target) })
				b.StopTimer()
				after := processorTime()
				_ = stop()
				b.ReportMetric(1e6*(after.self-before.self)/float64(events), "go-us/event")
				b.ReportMetric(1e6*(after.engine-before.engine)/float64(events), "engine-us/event")
				b.ReportMetric(peak(), "peak-MB")
				reportSize(b, s, events)
				b.StartTimer()
			}
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkRebuild is the same beside a live version that is up to date.
func BenchmarkRebuild(b *testing.B) {
	events := benchEvents(b)
	j := benchJournal(b, events, 1024)
	for b.Loop() {
		b.StopTimer()
		s := storetest.Open(b)
		p := quietProjector(b, s, j)
		stop := running(b, p)
		target := j.Head()
		waitFor(b, "the watermark", func() bool { return reached(p, target) })
		b.StartTimer()
		if err := p.Rebuild(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkVisible appends 5,000 events a second in messages of ten and measures how long each message takes from the
// journal to the watermark, behind which every question sees it.
func BenchmarkVisible(b *testing.B) {
	const rate, perMessage, messages = 5000, 10, 2500
	all := hospital(perMessage * messages)
	for b.Loop() {
		s, j := storetest.Open(b), newMemoryJournal(b)
		p := quietProjector(b, s, j)
		stop := running(b, p)
		j.append(b, time.UnixMicro(all[0].OccurredUs), &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{}}})
		waitFor(b, "the first watermark", func() bool { return reached(p, j.Head()) })
		before, begin := processorTime(), time.Now()
		sent, took := make([]time.Time, 0, messages), make([]time.Duration, 0, messages)
		for len(took) < messages {
			if due := int(time.Since(begin).Seconds() * rate / perMessage); len(sent) < min(due, messages) {
				items := make([]*v1.Item, perMessage)
				for i := range items {
					items[i] = &v1.Item{Body: &v1.Item_Access{Access: all[len(sent)*perMessage+i]}}
				}
				j.append(b, time.UnixMicro(all[len(sent)*perMessage].OccurredUs), items...)
				sent = append(sent, time.Now())
				continue
			}
			status, _ := p.Status()
			for len(took) < len(sent) && uint64(len(took))+2 <= status[0].Position.Sequence() {
				took = append(took, time.Since(sent[len(took)]))
			}
			time.Sleep(time.Millisecond)
		}
		after := processorTime()
		_ = stop()
		slices.Sort(took)
		b.ReportMetric(float64(took[messages/2].Milliseconds()), "p50-ms")
		b.ReportMetric(float64(took[messages*99/100].Milliseconds()), "p99-ms")
		b.ReportMetric(100*(after.engine-before.engine+after.self-before.self)/time.Since(begin).Seconds(), "cpu-%")
	}
}

// BenchmarkFold is the part of Go alone: opening and folding messages, on one core.
func BenchmarkFold(b *testing.B) {
	j := benchJournal(b, 20_480, 4096)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		i := n % len(j.messages)
		batch, err := j.codec.Decode(uint64(i+1), j.messages[i])
		if err != nil {
			b.Fatal(err)
		}
		if err := projections.FoldBatch(batch); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(4096*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func quietProjector(b *testing.B, s *store.Store, j *memoryJournal) *projections.Projector {
	b.Helper()
	p, err := projections.New(projections.Config{Store: s, Follow: j.Follow, Head: j.Head, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// reportSize merges what there is and reports the bytes of an event in all tables together.
func reportSize(b *testing.B, s *store.Store, events int) {
	b.Helper()
	for name := range projections.Tables(1) {
		exec(b, s, "OPTIMIZE TABLE "+name+" FINAL")
	}
	total := uint64(0)
	query := "SELECT table, sum(bytes_on_disk), sum(rows) FROM system.parts WHERE database = currentDatabase() AND active GROUP BY table ORDER BY 2 DESC"
	err := s.Query(b.Context(), query, nil, func(row store.Row) error {
		var table string
		var bytes, rows uint64
		err := row.Scan(&table, &bytes, &rows)
		total += bytes
		b.Logf("%-24s %6.2f bytes an event, %d rows", table, float64(bytes)/float64(events), rows)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(total)/float64(events), "bytes/event")
}

// cpuTime is seconds of processor time: what a figure means on a machine that others use too.
type cpuTime struct{ self, engine float64 }

// processorTime reads the time of this process and of its child, the engine; zero where there is no /proc.
func processorTime() cpuTime {
	var out cpuTime
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return out
	}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 13 {
			continue
		}
		user, _ := strconv.ParseFloat(fields[11], 64)
		system, _ := strconv.ParseFloat(fields[12], 64)
		switch {
		case strings.HasPrefix(string(text), strconv.Itoa(os.Getpid())+" "):
			out.self = (user + system) / 100 // clock ticks a second
		case fields[1] == strconv.Itoa(os.Getpid()):
			out.engine += (user + system) / 100
		}
	}
	return out
}

// peakMemory samples what the Go runtime holds, in MB, until the function it returns is called, which gives the largest
// sample less what was held before.
func peakMemory() (stop func() float64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/unused:bytes"}}
	held := func() float64 {
		metrics.Read(sample)
		return float64(sample[0].Value.Uint64()+sample[1].Value.Uint64()) / (1 << 20)
	}
	debug.FreeOSMemory()
	before, peak := held(), 0.0
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				peak = max(peak, held()-before)
			}
		}
	}()
	return func() float64 {
		close(done)
		<-ended
		return peak
	}
}
