package cases_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	written = v1.DelayStatement_DELAY_STATEMENT_WRITTEN
	oral    = v1.DelayStatement_DELAY_STATEMENT_ORAL
	lifted  = v1.DelayStatement_DELAY_STATEMENT_LIFTED
)

// delay sets down a statement of law enforcement; days are local ones, "" is none.
func (f *file) delay(t *testing.T, statement v1.DelayStatement, zone *time.Location, stated, until string) *file {
	t.Helper()
	at := func(day string) int64 {
		if day == "" {
			return 0
		}
		x, err := time.ParseInLocation(time.DateOnly, day, zone)
		if err != nil {
			t.Fatal(err)
		}
		return x.UnixMicro()
	}
	return f.add(&v1.CaseEntry{Body: &v1.CaseEntry_Delayed{Delayed: &v1.CaseDelayed{
		Statement: statement, Official: "Sgt. Roe", Agency: "County Sheriff", StatedUs: at(stated), UntilUs: at(until),
		Ground: v1.DelayGround_DELAY_GROUND_INVESTIGATION, Text: "file 12",
	}}})
}

// TestLawEnforcementDelays: until when notices wait and when they are too late, for a breach of 600 that was discovered on 2 March, whose
// sixty days end on 1 May.
func TestLawEnforcementDelays(t *testing.T) {
	type statement struct {
		is            v1.DelayStatement
		stated, until string
	}
	for name, tt := range map[string]struct {
		statements    []statement
		now           string // a local noon
		waits, day    string
		because, zone string
	}{
		"none": {nil, "2026-03-10", "", "2026-05-01", "45 CFR 164.404(b)", "UTC"},
		"a written one that ends before the sixty days do": {
			[]statement{{written, "2026-03-05", "2026-04-01"}}, "2026-03-31", "2026-04-01", "2026-05-01", "45 CFR 164.404(b)", "UTC",
		},
		"and is over": {[]statement{{written, "2026-03-05", "2026-04-01"}}, "2026-04-01", "", "2026-05-01", "45 CFR 164.404(b)", "UTC"},
		"a written one beyond them": {
			[]statement{{written, "2026-03-05", "2026-09-01"}}, "2026-06-01", "2026-09-01", "2026-09-01", "45 CFR 164.404(b), delayed by 164.412(a)", "UTC",
		},
		"an oral one is over on the thirtieth day": {
			[]statement{{oral, "2026-04-20", ""}}, "2026-05-19", "2026-05-20", "2026-05-20", "45 CFR 164.404(b), delayed by 164.412(b)", "UTC",
		},
		"an oral one that asks for longer":   {[]statement{{oral, "2026-04-20", "2026-07-01"}}, "2026-04-21", "2026-05-20", "2026-05-20", "45 CFR 164.404(b), delayed by 164.412(b)", "UTC"},
		"an oral one that asks for less":     {[]statement{{oral, "2026-04-20", "2026-04-25"}}, "2026-04-21", "2026-04-25", "2026-05-01", "45 CFR 164.404(b)", "UTC"},
		"an oral one that is repeated":       {[]statement{{oral, "2026-04-20", ""}, {oral, "2026-05-10", ""}}, "2026-05-11", "2026-05-20", "2026-05-20", "45 CFR 164.404(b), delayed by 164.412(b)", "UTC"},
		"a written one comes meanwhile":      {[]statement{{oral, "2026-04-20", ""}, {written, "2026-05-10", "2026-08-01"}}, "2026-05-11", "2026-08-01", "2026-08-01", "45 CFR 164.404(b), delayed by 164.412(a)", "UTC"},
		"a written one comes on the last":    {[]statement{{oral, "2026-04-20", ""}, {written, "2026-05-20", "2026-08-01"}}, "2026-05-19", "2026-08-01", "2026-08-01", "45 CFR 164.404(b), delayed by 164.412(a)", "UTC"},
		"a written one comes too late":       {[]statement{{oral, "2026-04-20", ""}, {written, "2026-05-21", "2026-08-01"}}, "2026-05-22", "2026-08-01", "2026-05-20", "45 CFR 164.404(b), delayed by 164.412(b)", "UTC"},
		"it is lifted":                       {[]statement{{written, "2026-03-05", "2026-09-01"}, {lifted, "2026-06-10", ""}}, "2026-06-10", "", "2026-06-10", "45 CFR 164.404(b), delayed by 164.412(a)", "UTC"},
		"it is lifted from the beginning":    {[]statement{{oral, "2026-04-20", ""}, {lifted, "2026-04-20", ""}}, "2026-04-21", "", "2026-05-01", "45 CFR 164.404(b)", "UTC"},
		"after that an oral one counts anew": {[]statement{{oral, "2026-04-01", ""}, {lifted, "2026-04-01", ""}, {oral, "2026-04-20", ""}}, "2026-04-21", "2026-05-20", "2026-05-20", "45 CFR 164.404(b), delayed by 164.412(b)", "UTC"},
		"days are local, over a change of clocks": {
			[]statement{{oral, "2026-02-20", ""}}, "2026-03-10", "2026-03-22", "2026-05-01", "45 CFR 164.404(b)", "America/New_York",
		},
	} {
		z := zone(t, tt.zone)
		f := open(&v1.CaseOpened{DiscoveredUs: time.Date(2026, 3, 2, 12, 0, 0, 0, z).UnixMicro()}).assess(breach(600, 600))
		for _, x := range tt.statements {
			f.delay(t, x.is, z, x.stated, x.until)
		}
		now, err := time.ParseInLocation(time.DateOnly, tt.now, z)
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(12 * time.Hour)
		all := cases.Fold(f.steps).Notices(z)
		if len(all) != 3 {
			t.Fatalf("%s: %+v", name, all)
		}
		for _, n := range all { // individuals, HHS and the media have one end here
			waits := ""
			if d, ok := n.Waits(now); ok {
				waits = d.Until.In(z).Format(time.DateOnly)
			}
			if waits != tt.waits || n.LastDay != tt.day || n.Due.In(z).AddDate(0, 0, -1).Format(time.DateOnly) != tt.day {
				t.Errorf("%s, %s: waits until %q, last day %s, due %s; want %q, %s", name, n.Rule, waits, n.LastDay, n.Due, tt.waits, tt.day)
			}
			if n.Rule == individuals && n.Because != tt.because {
				t.Errorf("%s: because %s", name, n.Because)
			}
		}
	}
}

// TestDelaysAreOfHIPAAAlone: other laws have rules of their own.
func TestDelaysAreOfHIPAAAlone(t *testing.T) {
	f := open(&v1.CaseOpened{DiscoveredUs: start.UnixMicro(), Laws: []v1.NoticeLaw{hipaa, california, gdpr}}).assess(breach(3, 3)).
		notice(&v1.CaseNotice{Rule: other, To: "Board", DueUs: start.AddDate(0, 0, 9).UnixMicro()}).notice(&v1.CaseNotice{Rule: entity})
	before := cases.Fold(f.steps).Notices(time.UTC)
	f.delay(t, written, time.UTC, "2026-03-02", "2028-01-01")
	for _, n := range cases.Fold(f.steps).Notices(time.UTC) {
		i := slices.IndexFunc(before, func(b cases.Notice) bool { return b.Rule == n.Rule })
		_, waits := n.Waits(start.AddDate(0, 0, 1))
		hipaas := slices.Contains([]v1.NoticeRule{individuals, hhs, media, entity}, n.Rule)
		if moved := !n.Due.Equal(before[i].Due); waits != hipaas || moved != hipaas {
			t.Errorf("%s: waits %v, moved %v", n.Rule, waits, moved)
		}
	}
}

// TestSentInADelay: a notice that left although it had to wait is told apart, to the microsecond.
func TestSentInADelay(t *testing.T) {
	until := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for sent, want := range map[time.Time]bool{
		time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC): false, time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC): true,
		until.Add(-time.Microsecond): true, until: false,
	} {
		f := open(&v1.CaseOpened{DiscoveredUs: start.UnixMicro()}).delay(t, written, time.UTC, "2026-03-05", "2026-06-01").
			notice(&v1.CaseNotice{Rule: individuals, SentUs: sent.UnixMicro()})
		n := cases.Fold(f.steps).Notices(time.UTC)[0]
		if _, waits := n.Waits(sent); n.SentInDelay() != want || n.Late() || waits {
			t.Errorf("sent %s: in the delay %v, late %v, waits %v", sent, n.SentInDelay(), n.Late(), waits)
		}
	}
}

// TestADelayNeverHurries: whatever is stated, no notice is due before its sixty days are over, none is overdue while it must wait unless
// it was before, and an oral statement alone never has one wait beyond the thirtieth day.
func TestADelayNeverHurries(t *testing.T) {
	random := rand.New(rand.NewPCG(26, 1))
	day := func(n int) string { return start.AddDate(0, 0, n).Format(time.DateOnly) }
	for range 2000 {
		f := open(&v1.CaseOpened{DiscoveredUs: start.UnixMicro()})
		base := cases.Fold(f.steps).Notices(time.UTC)[0].Due
		inWriting, firstOral := false, 1<<30
		for range random.IntN(5) {
			from := random.IntN(90)
			switch random.IntN(3) {
			case 0:
				f.delay(t, written, time.UTC, day(from), day(from+1+random.IntN(90)))
				inWriting = true
			case 1:
				f.delay(t, oral, time.UTC, day(from), []string{"", day(from + 1 + random.IntN(60))}[random.IntN(2)])
				firstOral = min(firstOral, from)
			default:
				f.delay(t, lifted, time.UTC, day(from), "")
				inWriting = true // which one is the first is no longer told simply
			}
		}
		n := cases.Fold(f.steps).Notices(time.UTC)[0]
		if n.Due.Before(base) {
			t.Fatalf("due %s before %s", n.Due, base)
		}
		for at := range 200 {
			now := start.AddDate(0, 0, at)
			d, waits := n.Waits(now)
			if waits && n.Overdue(now) && d.From.Before(base) && d.Until.After(n.Due) {
				t.Fatalf("day %d: it waits and is overdue: %+v, due %s", at, d, n.Due)
			}
			if waits && !inWriting && at >= firstOral+30 {
				t.Fatalf("day %d: oral statements from day %d on", at, firstOral)
			}
		}
	}
}
