package facts_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"

	"github.com/readtrail/readtrail/detectors/facts"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// town makes patients as a hospital has them, with care; sizes are those of what `readtrail simulate` writes.
type town struct {
	rng   *rand.Rand
	staff int
}

func (w *town) fact(typ, id, members string, ids ...*v1.Identifier) *v1.ContextFact {
	return &v1.ContextFact{
		Source: "ehr", ResourceType: typ, ResourceId: id,
		Identifiers: append([]*v1.Identifier{{System: "source:ehr", Value: typ + "/" + id}}, ids...),
		Resource:    []byte(`{"resourceType":"` + typ + `","id":"` + id + `",` + members + `}`),
	}
}

func (w *town) person(i int) string {
	return fmt.Sprintf(`"active":true,"name":[{"use":"official","family":"Family%d","given":["Given%d"]}],"telecom":[{"system":"phone",`+
		`"value":"+1-555-%07d","use":"home"}],"gender":"female","birthDate":"19%02d-%02d-%02d","address":[{"extension":[{"url":`+
		`"http://hl7.org/fhir/StructureDefinition/geolocation","extension":[{"url":"latitude","valueDecimal":41.2%05d},{"url":`+
		`"longitude","valueDecimal":-84.9%05d}]}],"use":"home","line":["%d Chestnut %d St"],"city":"Millbrook","state":"IN",`+
		`"postalCode":"%05d","country":"US"}]`,
		w.rng.IntN(4000), w.rng.IntN(800), i/2, 30+i%70, 1+i%12, 1+i%28, w.rng.IntN(90000), w.rng.IntN(90000), 1+i/2%200, i/400, i/2000%900)
}

func (w *town) patient(i int) *v1.ContextFact {
	return w.fact("Patient", fmt.Sprintf("pt-%08x", i), w.person(i)+fmt.Sprintf(`,"contact":[{"relationship":[{"coding":[{"code":"C"}]}],`+
		`"name":{"family":"Family%d","given":["Given%d"]},"telecom":[{"system":"phone","value":"(555) 555-%04d"}]}],`+
		`"generalPractitioner":[{"reference":"Practitioner/pr-%08x"}]`, w.rng.IntN(4000), w.rng.IntN(800), i%10000, w.rng.IntN(w.staff)),
		&v1.Identifier{System: "https://millbrook.example/ids/mrn", Value: fmt.Sprint(2400000 + i)})
}

func (w *town) practitioner(i int) *v1.ContextFact {
	return w.fact("Practitioner", fmt.Sprintf("pr-%08x", i), w.person(1<<24+i),
		&v1.Identifier{System: "https://millbrook.example/ids/staff", Value: fmt.Sprint("S", i)})
}

func (w *town) encounter(i, patient int) *v1.ContextFact {
	day := 1 + w.rng.IntN(28)
	period := fmt.Sprintf(`"period":{"start":"2026-%02d-%02dT0%d:08:00.000-06:00","end":"2026-%02d-%02dT1%d:52:00.000-06:00"}`,
		1+i%3, day, i%10, 1+i%3, day, i%10)
	return w.fact("Encounter", fmt.Sprintf("enc-%d", i), fmt.Sprintf(`"status":"finished","class":{"system":`+
		`"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"},"subject":{"reference":"Patient/pt-%08x"},"participant":[{"type":`+
		`[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"ATND","display":"attender"}]}],%s,`+
		`"individual":{"reference":"Practitioner/pr-%08x"}}],%s,"reasonCode":[{"coding":[{"system":`+
		`"http://hl7.org/fhir/sid/icd-10-cm","code":"I%d.10","display":"Atherosclerotic heart disease"}]}],"location":[{"location":`+
		`{"reference":"Location/dep-%d"},"status":"completed",%s}]`, patient, period, w.rng.IntN(w.staff), period, w.rng.IntN(90), i%40, period))
}

func (w *town) order(i, patient int) *v1.ContextFact {
	return w.fact("ServiceRequest", fmt.Sprintf("sr-%d", i), fmt.Sprintf(`"status":"completed","intent":"order","code":{"text":"Imaging"},`+
		`"subject":{"reference":"Patient/pt-%08x"},"authoredOn":"2026-02-%02dT14:41:01.425-06:00","requester":{"reference":`+
		`"Practitioner/pr-%08x"},"performer":[{"reference":"Organization/dep-rad"}]`, patient, 1+i%28, w.rng.IntN(w.staff)))
}

func (w *town) slot(i int) *v1.ContextFact {
	return w.fact("Slot", fmt.Sprintf("sl-%d", i), fmt.Sprintf(`"schedule":{"reference":"Schedule/sch-%d"},"status":"busy","start":`+
		`"2026-%02d-%02dT07:00:00.000-06:00","end":"2026-%02d-%02dT19:15:00.000-06:00","comment":"on duty"`,
		i%w.staff, 1+i/w.staff/28%3, 1+i/w.staff%28, 1+i/w.staff/28%3, 1+i/w.staff%28))
}

func (w *town) schedule(i int) *v1.ContextFact {
	return w.fact("Schedule", fmt.Sprintf("sch-%d", i), fmt.Sprintf(`"actor":[{"reference":"Practitioner/pr-%08x"},`+
		`{"reference":"Location/dep-%d"}]`, i, i%40))
}

// reportCPU adds the processor time of an operation: on a busy machine wall time says little.
func reportCPU(b *testing.B) func() {
	begin := cpu(b)
	return func() { b.ReportMetric(float64(cpu(b)-begin)/float64(b.N), "cpu-ns/op") }
}

func cpu(tb testing.TB) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func BenchmarkApply(b *testing.B) {
	const patients, staff = 20_000, 1000
	for _, c := range []struct {
		name string
		make func(w *town, i int) *v1.ContextFact
	}{
		{"Patient", (*town).patient},
		{"Practitioner", (*town).practitioner},
		{"Encounter", func(w *town, i int) *v1.ContextFact { return w.encounter(i, i%patients) }},
		{"ServiceRequest", func(w *town, i int) *v1.ContextFact { return w.order(i, i%patients) }},
		{"Schedule", func(w *town, i int) *v1.ContextFact { return w.schedule(i % staff) }},
		{"Slot", (*town).slot},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := &town{rng: rand.New(rand.NewPCG(1, 1)), staff: staff}
			s := newState(b)
			for i := range staff {
				mustApply(b, s, w.practitioner(i))
				mustApply(b, s, w.schedule(i))
			}
			all := make([]*v1.ContextFact, 20_000)
			for i := range all {
				all[i] = c.make(w, i)
			}
			b.ReportAllocs()
			done := reportCPU(b)
			for i := 0; b.Loop(); i++ {
				mustApply(b, s, all[i%len(all)])
			}
			done()
		})
	}
}

func mustApply(tb testing.TB, s *facts.State, f *v1.ContextFact) {
	if err := s.Apply(f); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkQuery asks about pairs of a reader and a patient that have nothing in common.
func BenchmarkQuery(b *testing.B) {
	w := &town{rng: rand.New(rand.NewPCG(1, 1)), staff: 1000}
	s := newState(b)
	for i := range w.staff {
		mustApply(b, s, w.practitioner(i))
	}
	const patients = 20_000
	ids := make([]facts.ID, patients)
	for i := range patients {
		f := w.patient(i)
		mustApply(b, s, f)
		ids[i] = s.PatientOf(&v1.Patient{Identifiers: f.GetIdentifiers()[:1]})
		for j := range 5 {
			mustApply(b, s, w.encounter(5*i+j, i))
		}
	}
	readers := make([]*v1.Reader, w.staff)
	staff := make([]facts.ID, w.staff)
	for i := range readers {
		readers[i] = &v1.Reader{Identifiers: w.practitioner(i).GetIdentifiers()}
		staff[i] = s.Reader(readers[i], "ehr")
	}
	when := at(march)
	b.Run("Kinship", func(b *testing.B) {
		b.ReportAllocs()
		done := reportCPU(b)
		for i := 0; b.Loop(); i++ {
			_ = s.Kinship(staff[i%len(staff)], ids[i*7919%patients], when)
		}
		done()
	})
	b.Run("Reader", func(b *testing.B) {
		b.ReportAllocs()
		done := reportCPU(b)
		for i := 0; b.Loop(); i++ {
			_ = s.Reader(readers[i%len(readers)], "ehr")
		}
		done()
	})
	b.Run("AppendCare", func(b *testing.B) {
		b.ReportAllocs()
		var care []facts.Care
		done := reportCPU(b)
		for i := 0; b.Loop(); i++ {
			care = s.AppendCare(care[:0], ids[i*7919%patients])
		}
		done()
	})
}

// BenchmarkMemory holds 100,000 patients, 2,000 staff and a million rows of care, and reports what a tenfold hospital would take.
func BenchmarkMemory(b *testing.B) {
	const patients, encounters, orders = 100_000, 350_000, 125_000
	for b.Loop() {
		w := &town{rng: rand.New(rand.NewPCG(1, 1)), staff: 2000}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := newState(b)
		for i := range w.staff {
			mustApply(b, s, w.practitioner(i))
			mustApply(b, s, w.schedule(i))
		}
		for i := range patients {
			mustApply(b, s, w.patient(i))
		}
		for i := range encounters {
			mustApply(b, s, w.encounter(i, w.rng.IntN(patients)))
		}
		for i := range orders {
			mustApply(b, s, w.order(i, w.rng.IntN(patients)))
		}
		for i := range 60 * w.staff {
			mustApply(b, s, w.slot(i))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		rows := 0
		for p := facts.ID(1); p <= patients; p++ {
			rows += len(s.Care(p))
		}
		held := float64(after.HeapAlloc - before.HeapAlloc)
		b.ReportMetric(held/1e6, "MB")
		b.ReportMetric(held/1e6*10, "MB/million_patients")
		b.ReportMetric(float64(rows), "rows")
		runtime.KeepAlive(s)
	}
}

func BenchmarkSnapshot(b *testing.B) {
	w := &town{rng: rand.New(rand.NewPCG(1, 1)), staff: 1000}
	s := newState(b)
	for i := range 50_000 {
		mustApply(b, s, w.patient(i))
		mustApply(b, s, w.encounter(i, i))
	}
	data := snapshotOf(b, s)
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			snapshotOf(b, s)
		}
	})
	b.Run("restore", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			restore(b, data)
		}
	})
}
