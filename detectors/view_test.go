package detectors_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func detectorsWeight(w int) detectors.Weight { return detectors.Weight(w) }

func TestMeansSomething(t *testing.T) {
	for _, tt := range []struct {
		code, text string
		want       bool
	}{
		{"", "", false},
		{"", "x", false},
		{"", "asdf", false},
		{"", "....", false},
		{"", "xxxx xxxx", false},
		{"", "other", false},
		{"", "patient unconscious in ED", true},
		{"", "covering for Dr Wood tonight", true},
		{"", "Notfall, Patient bewusstlos", true},
		{"emergency", "", true},
		{"OTHER", "", false},
		{"BTG", "", false},
		{"direct-care", "test", false},
	} {
		if got := detectors.MeansSomething(&v1.Coding{Code: tt.code}, tt.text); got != tt.want {
			t.Errorf("reason %q %q means something: %v, want %v", tt.code, tt.text, got, tt.want)
		}
	}
}

func TestRecordNumber(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   int64
	}{
		{[]string{"Patient/123456"}, 0},
		{[]string{"Patient/pt-1", "2400185"}, 2400185},
		{[]string{"MRN-0042"}, 42},
		{[]string{"9f8e7d6c5b4a"}, 0},
		{[]string{"12"}, 0},
		{[]string{"12345678901234567890"}, 0},
	} {
		p := &v1.Patient{}
		for _, v := range tt.values {
			p.Identifiers = append(p.Identifiers, &v1.Identifier{System: "s", Value: v})
		}
		if got := detectors.RecordNumber(p); got != tt.want {
			t.Errorf("record number of %q is %d, want %d", tt.values, got, tt.want)
		}
	}
}

const second = int64(1_000_000)

// looks makes looks at numbered records, ten seconds apart.
func looks(numbers ...int64) []detectors.Access {
	out := make([]detectors.Access, len(numbers))
	for i, n := range numbers {
		out[i] = detectors.Access{Occurred: int64(i) * 10 * second, Number: n, Patient: int32(n), Signs: detectors.SignLook}
	}
	return out
}

// covered is a walk of n records with others in between, each far from all numbers, half a second apart.
func covered(n, others int) []detectors.Access {
	var numbers []int64
	for i := range n {
		numbers = append(numbers, int64(1000+i))
		for k := range others {
			if i > 0 { // of two records, the walk is longer than any of a single one
				numbers = append(numbers, int64(1_000_000+(i*others+k)*100))
			}
		}
	}
	out := looks(numbers...)
	for i := range out {
		out[i].Occurred = int64(i) * second / 2
	}
	return out
}

// TestWalksByChance: records that are opened in any order are no more of a walk because others, opened in between, are left out.
func TestWalksByChance(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const days, least = 2000, 6
	for _, ward := range []struct {
		name        string
		apart, most int
	}{
		{"numbered one after the other", 1, days / 20},
		{"numbered in one week", 10, 0},
		{"numbered over the years", 1000, 0},
	} {
		alone, among := 0, 0
		for range days {
			numbers := make([]int64, 40)
			for i, n := range random.Perm(len(numbers)) {
				numbers[i] = int64(1_000_000 + n*ward.apart)
			}
			if detectors.Walk(looks(numbers...)) >= least {
				alone++
			}
			for range 60 {
				numbers = slices.Insert(numbers, random.IntN(len(numbers)+1), 1+random.Int64N(900_000))
			}
			all := looks(numbers...)
			walk := detectors.Walk(all)
			if walk >= least {
				among++
			}
			if got := detectors.Walked(all); len(got) != walk {
				t.Fatalf("%s: %d records of a walk of %d", ward.name, len(got), walk)
			}
		}
		if among > alone || among > ward.most {
			t.Errorf("%s: of %d days in any order %d are walks, %d with others in between; want at most %d", ward.name, days, alone, among, ward.most)
		}
	}
}

func TestWalk(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []detectors.Access
		want int
	}{
		{"rising", looks(100, 101, 102, 104, 105, 107), 6},
		{"falling", looks(107, 105, 104, 103), 4},
		{"scattered", looks(100, 900, 400, 700, 300), 1},
		{"the same record again and again", looks(100, 100, 100, 100), 1},
		{"records that were opened before", looks(100, 101, 100, 102, 101, 103, 100, 104), 5},
		{"a jump begins anew", looks(100, 101, 102, 500, 501, 502, 503), 4},
		{"others in between", looks(100, 900, 101, 700, 102, 300, 103, 900, 104), 5},
		{"two walks in turn", looks(100, 500, 101, 501, 102, 502, 103), 4},
		{"a ward whose records were numbered in one week", looks(112, 104, 109, 101, 115, 106, 111, 102, 114, 107, 103, 113, 105, 110, 108), 3},
		{"many others in between", covered(20, 40), 20},
		{"more than are remembered in between", covered(20, 400), 20},
		{"none", nil, 0},
	} {
		if got := detectors.Walk(tt.in); got != tt.want {
			t.Errorf("%s: a walk of %d, want %d", tt.name, got, tt.want)
		}
		if tt.in == nil {
			continue
		}
		got := detectors.Walked(tt.in)
		if len(got) != tt.want || !slices.IsSortedFunc(got, func(a, b int64) int { return cmp.Compare(b, a) }) {
			t.Errorf("%s: its records were opened at %d, want %d", tt.name, got, tt.want)
		}
	}
	between := looks(100, 900, 103, 700, 106, 300)
	if got, want := detectors.Walked(between), []int64{between[4].Occurred, between[2].Occurred, between[0].Occurred}; !slices.Equal(got, want) {
		t.Errorf("the records of a walk were opened at %d, want %d", got, want)
	}
	slow := looks(100, 101, 102)
	slow[2].Occurred += 3600 * second
	if got := detectors.Walk(slow); got != 2 {
		t.Errorf("after an hour the walk goes on: %d, want 2", got)
	}
}

// TestEventsLeaveNoTexts: what differs from event to event is not numbered, or memory would grow with the journal and not with the hospital.
func TestEventsLeaveNoTexts(t *testing.T) {
	e, err := detectors.NewEngine(detectors.EngineConfig{Zone: time.UTC, Standing: &detectors.Settings{LearningDays: 1}})
	if err != nil {
		t.Fatal(err)
	}
	take := func(n int) {
		t.Helper()
		id := fmt.Sprint(n)
		err := e.Take(t.Context(), detectors.Entry{At: proto.At(uint64(n)+1, 0), Item: &v1.Item{Body: &v1.Item_Access{Access: &v1.AccessEvent{
			Source: "s", SourceEventId: id, RequestId: id, OccurredUs: int64(n), Action: v1.Action_ACTION_READ, Workstation: "w", Session: id,
			Encounter: &v1.Identifier{System: "s", Value: "Encounter/" + id},
			Objects:   []*v1.Object{{Type: "Observation", Id: &v1.Identifier{System: "s", Value: id}}},
			Reader:    &v1.Reader{Identifiers: []*v1.Identifier{{System: "s", Value: "a"}}},
			Patients:  []*v1.Patient{{Identifiers: []*v1.Identifier{{System: "p", Value: "b"}}}},
		}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	take(0)
	before := e.State().TextID("before")
	for n := range 100 {
		take(n + 1)
	}
	if after := e.State().TextID("after"); after != before+1 {
		t.Errorf("100 events left %d texts", after-before-1)
	}
}
