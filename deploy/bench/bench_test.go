package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/projections/queries"
	"github.com/readtrail/readtrail/projections/store"
)

func TestQuantile(t *testing.T) {
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100-i) * time.Millisecond
	}
	for _, c := range []struct {
		name string
		all  []time.Duration
		q    float64
		want time.Duration
	}{
		{"nothing was measured", nil, 0.95, 0},
		{"one is every quantile", []time.Duration{7}, 0.01, 7},
		{"median of an even number is the lower one", []time.Duration{4, 1, 3, 2}, 0.5, 2},
		{"95th of a hundred", hundred, 0.95, 95 * time.Millisecond},
		{"99th of a hundred", hundred, 0.99, 99 * time.Millisecond},
		{"99th of few is the largest", []time.Duration{1, 9, 5}, 0.99, 9},
		{"all of them", hundred, 1, 100 * time.Millisecond},
		{"none of them is the smallest", hundred, 0, time.Millisecond},
	} {
		if got := quantile(c.all, c.q); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		name string
		all  []float64
		want float64
	}{
		{"none", nil, 0},
		{"one", []float64{3}, 3},
		{"odd", []float64{9, 1, 5}, 5},
		{"even", []float64{4, 1, 2, 3}, 2.5},
	} {
		before := append([]float64{}, c.all...)
		if got := median(c.all); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
		if diff := cmp.Diff(before, append([]float64{}, c.all...)); diff != "" {
			t.Errorf("%s: the values were reordered:\n%s", c.name, diff)
		}
	}
}

func TestNumber(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 0.14: "0.1", 12.34: "12.3", 99.96: "100.0", 100: "100", 999.6: "1,000", 1234: "1,234", 1234567: "1,234,567", -1234: "-1,234", -12: "-12",
	} {
		if got := number(value); got != want {
			t.Errorf("number(%v) = %q, want %q", value, got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	more := figure{floor: 100, aim: 200}
	less := figure{floor: 200, aim: 100, lower: true}
	for _, c := range []struct {
		name    string
		f       figure
		value   float64
		verdict string
		ratio   float64
	}{
		{"more is better: below the floor", more, 99, verdictFail, 0.99},
		{"more is better: at the floor", more, 100, verdictFloor, 1},
		{"more is better: at the aim", more, 200, verdictAim, 2},
		{"less is better: above the floor", less, 400, verdictFail, 0.5},
		{"less is better: at the floor", less, 200, verdictFloor, 1},
		{"less is better: at the aim", less, 100, verdictAim, 2},
	} {
		r := result{figure: c.f, value: c.value}
		if r.verdict() != c.verdict || r.ratio() != c.ratio {
			t.Errorf("%s: %s %v, want %s %v", c.name, r.verdict(), r.ratio(), c.verdict, c.ratio)
		}
	}
}

func TestFiguresAreMeasuredOnce(t *testing.T) {
	measured := map[string]int{}
	for _, g := range groups {
		for _, name := range g.figures {
			measured[name]++
		}
	}
	for _, f := range figures {
		if measured[f.name] != 1 {
			t.Errorf("%s is measured by %d groups", f.name, measured[f.name])
		}
		if (f.aim < f.floor) != f.lower {
			t.Errorf("%s: the aim is worse than the floor", f.name)
		}
	}
	if len(measured) != len(figures) {
		t.Errorf("%d figures are measured, %d are promised", len(measured), len(figures))
	}
}

func example() *report {
	return &report{
		Machine: machine{Processor: "Example", Cores: 2, MemoryGB: 8, Kernel: "6.1", FsyncMS: 0.5, FreeGB: 70, Load: 0.1},
		Command: "go run ./deploy/bench",
		Notes:   []string{"PostgreSQL is not installed here: nothing is compared with it."},
		results: []result{
			{figure: figures[0], value: 123_456, note: "noted"},
			{figure: figure{name: "small", what: "größer", unit: "bytes", floor: 60, aim: 45, lower: true}, value: 80.5},
		},
		comparisons: []comparison{{what: "bytes a row", unit: "bytes/row", ours: 50, postgresql: 500, lower: true}},
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	if err := example().writeTable(&b); err != nil {
		t.Fatal(err)
	}
	want := `Example, 2 cores, 8 GB memory, Linux 6.1, fsync 0.50 ms, 70 GB free, load before the run 0.1
go run ./deploy/bench

figure                                             value  unit       floor      aim  ratio        measured
FHIR NDJSON import, parsed to durably journaled  123,456  events/s  40,000  100,000   3.09  aim   noted
größer                                              80.5  bytes       60.0     45.0   0.75  FAIL

beside PostgreSQL  Readtrail  PostgreSQL  unit       times better
bytes a row             50.0         500  bytes/row         10.00

PostgreSQL is not installed here: nothing is compared with it.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

func TestFailing(t *testing.T) {
	r := example()
	if !r.failed() {
		t.Error("a figure is below its floor, and the run did not fail")
	}
	r.Smoke = true
	if r.failed() {
		t.Error("a smoke run applied a floor")
	}
	r.Smoke, r.results = false, r.results[:1]
	if r.failed() {
		t.Error("the run failed, and no figure is below its floor")
	}
}

func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := example().writeJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Machine machine
		Figures []struct {
			Name, Verdict string
			Value, Ratio  float64
		}
		PostgreSQL []struct {
			What  string
			Ratio float64 `json:"times_better"`
		}
		Failed bool
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Figures) != 2 || got.Figures[0].Name != figImport || got.Figures[0].Verdict != verdictAim || !got.Failed {
		t.Errorf("figures: %+v", got)
	}
	if len(got.PostgreSQL) != 1 || got.PostgreSQL[0].Ratio != 10 || got.Machine.Cores != 2 {
		t.Errorf("comparison or machine: %+v", got)
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-only", "nothing"}, "there is no figure or group"},
		{[]string{"-rows", "5"}, "10,000 rows"},
		{[]string{"-binary", "/does/not/exist"}, "go tool task build"},
	} {
		if _, err := parseFlags(c.args); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
		}
	}
}

func TestScattered(t *testing.T) {
	days := scattered(50)
	seen := map[int]bool{}
	ordered := true
	for i, day := range days {
		if day < 0 || day >= years*365 || seen[day] {
			t.Errorf("day %d is outside the ten years or repeats", day)
		}
		seen[day] = true
		ordered = ordered && (i == 0 || day > days[i-1])
	}
	if ordered {
		t.Error("the days are in order")
	}
	if diff := cmp.Diff(days, scattered(50)); diff != "" {
		t.Errorf("the days differ from call to call:\n%s", diff)
	}
}

func TestPacedReader(t *testing.T) {
	text := strings.Repeat("x", 3*paceStep)
	p := &pacedReader{r: strings.NewReader(text), rate: 1e12, begin: time.Now()}
	var b bytes.Buffer
	if _, err := b.ReadFrom(p); err != nil {
		t.Fatal(err)
	}
	if b.String() != text || p.given != int64(len(text)) {
		t.Errorf("%d bytes came through, %d were counted", b.Len(), p.given)
	}
}

func TestProbeIsOneLineOfJSON(t *testing.T) {
	line := probeEvent("PROBE-1", time.Unix(0, 0))
	if !json.Valid(line) || bytes.ContainsRune(line, '\n') {
		t.Errorf("not one line of JSON: %s", line)
	}
}

func TestStatementsHaveNoComments(t *testing.T) {
	entries, err := sqlFiles.ReadDir("sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text := statement(strings.TrimSuffix(e.Name(), ".sql"))
		if text == "" || strings.Contains(text, "--") {
			t.Errorf("%s: %q", e.Name(), text)
		}
	}
}

// TestStatementsHaveTheirParameters: the statements of the query service are used as they are, also where no PostgreSQL is beside them.
func TestStatementsHaveTheirParameters(t *testing.T) {
	set, err := queries.For(1, queries.Whole)
	if err != nil {
		t.Fatal(err)
	}
	for name, params := range map[string]store.Params{"record_events": recordParams(subject{}), "reader_events": readerParams(subject{})} {
		found := regexp.MustCompile(`\{(\w+):`).FindAllStringSubmatch(set[name], -1)
		if len(found) == 0 {
			t.Errorf("%s has no parameters", name)
		}
		for _, m := range found {
			if _, given := params[m[1]]; !given {
				t.Errorf("%s: %s is not given", name, m[1])
			}
		}
	}
}
