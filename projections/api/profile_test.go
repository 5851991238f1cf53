package api_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections/detectiontest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// act is one access of the reference: what was reported of it first, and by whom.
type act struct {
	position uint64
	who      int
	at       time.Time
	group    string
	event    *v1.AccessEvent
	patients []string
}

// department is a hospital of which the groups matter: twelve readers in two of them, who change at times.
type department struct {
	*hospital
	acts []act
}

// groupNames are department and role, as sent; the first two are one group.
var groupNames = [][2]string{{"ICU", "nurse"}, {"icu ", "Nurse"}, {"Lab", "clerk"}, {"", ""}}

func newDepartment(t testing.TB, seed uint64, n int) *department {
	t.Helper()
	w := &department{hospital: &hospital{world: newWorld(t), random: rand.New(rand.NewPCG(seed, 7))}}
	// u1 and u1b are one human, and u0 and u0b.
	for _, value := range []string{"u0", "u1"} {
		w.append(practitionerFact("hr", "Practitioner/"+value, []*v1.Identifier{id("urn:staff", value), id("urn:staff", value+"b")}))
	}
	for len(w.acts) < n {
		w.act(len(w.acts))
	}
	w.detector = detectiontest.NewGenerator(seed, uint64(w.head()), begin.Add(-40*24*time.Hour))
	return w
}

// act appends one random access, at times with a second report of it.
func (w *department) act(n int) {
	who := w.random.IntN(12)
	at := begin.Add(-time.Duration(n)*17*time.Minute - time.Duration(w.random.IntN(40*24*60))*time.Minute)
	name := groupNames[w.random.IntN(2)]
	if who > 8 || w.random.IntN(6) == 0 {
		name = groupNames[2+w.random.IntN(2)]
	}
	reader := id("urn:staff", fmt.Sprint("u", who))
	if who < 2 && w.random.IntN(2) == 0 {
		reader.Value += "b"
	}
	a := act{who: who, at: at, group: strings.ToLower(strings.TrimSpace(name[0])) + "/" + strings.ToLower(name[1])}
	edit := func(e *v1.AccessEvent) {
		e.Reader.Department, e.Reader.Role = name[0], &v1.Coding{Code: name[1]}
		e.Action, e.Mode = v1.Action(w.random.IntN(len(v1.Action_name))), v1.AccessMode(w.random.IntN(len(v1.AccessMode_name)))
		e.BreakGlass = w.random.IntN(5) == 0
		if w.random.IntN(3) == 0 {
			e.Sensitivity = []string{[]string{"N", "HIV", "R"}[w.random.IntN(3)]}
		}
		for _, k := range w.random.Perm(10)[:w.random.IntN(3)] {
			e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", fmt.Sprint(k))}})
			a.patients = append(a.patients, fmt.Sprint(k))
		}
		e.RequestId = fmt.Sprint("request ", n)
		a.event = e
	}
	item := access("ehr", at, nil, reader, edit)
	a.position = uint64(w.append(item))
	var named []*v1.Identifier
	for _, p := range a.event.Patients {
		named = append(named, p.Identifiers[0])
	}
	w.accesses = append(w.accesses, detectiontest.Access{Position: a.position, Occurred: at, Reader: reader, Patients: named})
	w.acts = append(w.acts, a)
	if len(named) > 0 && w.random.IntN(4) == 0 {
		e := a.event
		w.append(access("proxy", at.Add(-20*time.Second), nil, reader, func(second *v1.AccessEvent) {
			second.Reader, second.Patients, second.Action, second.RequestId = e.Reader, e.Patients, e.Action, e.RequestId
		}))
	}
}

// did is what one human did in a group, added up plainly.
type did struct {
	days                                                       map[string]map[string]bool
	hours                                                      [168]uint64
	accesses, judged, unexplained, searched, other, sens, btgs uint64
}

func (w *department) fold(group string, from, until time.Time, known map[[2]uint64]judgement) map[int]*did {
	out := map[int]*did{}
	for _, a := range w.acts {
		if a.group != group || a.at.Before(from) || !a.at.Before(until) {
			continue
		}
		d := out[a.who]
		if d == nil {
			d = &did{days: map[string]map[string]bool{}}
			out[a.who] = d
		}
		day := a.at.UTC().Format(time.DateOnly)
		if d.days[day] == nil {
			d.days[day] = map[string]bool{}
		}
		var numbers []int
		for i, p := range a.patients {
			d.days[day][p] = true
			numbers = append(numbers, i)
		}
		if len(numbers) == 0 {
			numbers = []int{0}
		}
		d.accesses++
		d.hours[(int(a.at.UTC().Weekday())+6)%7*24+a.at.UTC().Hour()]++
		switch least(known, a.position, numbers).verdict {
		case v1.Verdict_VERDICT_UNEXPLAINED:
			d.unexplained++
			d.judged++
		case v1.Verdict_VERDICT_EXPLAINED, v1.Verdict_VERDICT_NOT_ASSESSABLE:
			d.judged++
		}
		e := a.event
		tally(&d.searched, e.Action == v1.Action_ACTION_SEARCH || e.Mode == v1.AccessMode_ACCESS_MODE_SEARCH || e.Mode == v1.AccessMode_ACCESS_MODE_INCIDENTAL)
		tally(&d.other, e.Action > v1.Action_ACTION_SEARCH && e.Action != v1.Action_ACTION_LOGIN && e.Action != v1.Action_ACTION_LOGOUT)
		tally(&d.sens, len(e.Sensitivity) > 0 && e.Sensitivity[0] != "N")
		tally(&d.btgs, e.BreakGlass)
	}
	return out
}

func tally(n *uint64, yes bool) {
	if yes {
		*n++
	}
}

// measures are the figures of one human, nil where they are not known; usual nil: no hour is.
func (d *did) measures(usual []bool) [9]*float64 {
	var out [9]*float64
	set := func(m v1.ProfileMeasure, n, all int) {
		if all > 0 {
			x := float64(n) / float64(all)
			out[m] = &x
		}
	}
	patients, odd := 0, 0
	for _, p := range d.days {
		patients += len(p)
	}
	for h, n := range d.hours {
		if usual != nil && !usual[h] {
			odd += int(n)
		}
	}
	all := int(d.accesses)
	set(v1.ProfileMeasure_PROFILE_MEASURE_PATIENTS_A_DAY, patients, len(d.days))
	set(v1.ProfileMeasure_PROFILE_MEASURE_ACCESSES_A_DAY, all, len(d.days))
	if usual != nil {
		set(v1.ProfileMeasure_PROFILE_MEASURE_UNUSUAL_HOURS, odd, all)
	}
	set(v1.ProfileMeasure_PROFILE_MEASURE_UNEXPLAINED, int(d.unexplained), int(d.judged))
	set(v1.ProfileMeasure_PROFILE_MEASURE_SEARCHES_AND_LISTS, int(d.searched), all)
	set(v1.ProfileMeasure_PROFILE_MEASURE_OTHER_ACTIONS, int(d.other), all)
	set(v1.ProfileMeasure_PROFILE_MEASURE_SENSITIVE, int(d.sens), all)
	set(v1.ProfileMeasure_PROFILE_MEASURE_BREAK_GLASS, int(d.btgs), min(all, 1))
	return out
}

// expect is the answer that a fold over the accesses gives.
func expect(all map[int]*did, reader int) *v1.ReaderProfileResponse {
	self, peers := all[reader], []*did{}
	for who, d := range all {
		if who != reader {
			peers = append(peers, d)
		}
	}
	res := &v1.ReaderProfileResponse{Accesses: self.accesses, Days: uint32(len(self.days)), PeersNeeded: 5, WeekHours: self.hours[:]}
	if len(peers) < 5 {
		peers = nil
	}
	res.Peers = uint32(len(peers))
	if len(peers) > 0 {
		sum := make([]uint64, 168)
		for _, d := range peers {
			for h, n := range d.hours {
				sum[h] += n
			}
		}
		res.PeerWeekHours, res.UsualHours = sum, usualOf(sum)
	}
	own := self.measures(res.UsualHours)
	for m := v1.ProfileMeasure(1); int(m) < len(own); m++ {
		f := &v1.ProfileFigure{Measure: m, Value: own[m]}
		var values []float64
		for _, d := range peers {
			if x := d.measures(res.UsualHours)[m]; x != nil {
				values = append(values, *x)
			}
		}
		if n := len(values); n >= 5 {
			sort.Float64s(values)
			median := (values[(n-1)/2] + values[n/2]) / 2
			high := values[(n*9+9)/10-1]
			f.Peers, f.Median = uint32(n), &median
			if n >= 10 {
				f.Percentile_90 = &high
			}
			if own[m] != nil {
				points := 0
				for _, x := range values {
					if x < *own[m] {
						points += 100
					} else if x == *own[m] {
						points += 50
					}
				}
				rank := uint32(points / n)
				f.Rank = &rank
			}
		}
		res.Figures = append(res.Figures, f)
	}
	return res
}

// usualOf tries every threshold: the largest one whose hours hold 95 % of all.
func usualOf(hours []uint64) []bool {
	all := uint64(0)
	for _, n := range hours {
		all += n
	}
	for least := slices.Max(hours); ; least-- {
		held, usual := uint64(0), make([]bool, len(hours))
		for h, n := range hours {
			if n >= least && n > 0 {
				held, usual[h] = held+n, true
			}
		}
		if held*100 >= all*95 {
			return usual
		}
	}
}

func (w *department) profile(t *testing.T, edit func(*v1.ReaderProfileRequest)) *v1.ReaderProfileResponse {
	t.Helper()
	m := &v1.ReaderProfileRequest{Reader: "urn:staff|u0", Purpose: "complaint 12"}
	edit(m)
	res, err := w.service.ReaderProfile(w.ctx(), connect.NewRequest(m))
	if err != nil {
		t.Fatal(err)
	}
	return res.Msg
}

// TestProfileIsTheFold: the figures of a reader and of the peers are those that a fold over the accesses gives, in any period, as of any
// time, and peers stand in no field.
func TestProfileIsTheFold(t *testing.T) {
	for seed := range uint64(2) {
		w := newDepartment(t, seed, 400)
		w.detect(8)
		w.pass(time.Hour)
		before, asOf := w.clock().UnixMicro(), uint64(w.head())
		w.pass(time.Hour)
		w.detect(4)
		w.settle()
		now, then := w.judgements(^uint64(0)), w.judgements(asOf)
		day := begin.Truncate(24 * time.Hour)
		compared := 0
		for name, tt := range map[string]struct {
			reader, group string
			from, until   time.Time
			asOf          int64
			ask           [2]string
		}{
			"all":                 {"u0", "icu/nurse", day.AddDate(0, 0, -60), day.AddDate(0, 0, 1), 0, [2]string{}},
			"other identifier":    {"u0b", "icu/nurse", day.AddDate(0, 0, -60), day.AddDate(0, 0, 1), 0, [2]string{}},
			"part":                {"u3", "icu/nurse", day.AddDate(0, 0, -20), day.AddDate(0, 0, -9).Add(5 * time.Hour), 0, [2]string{}},
			"as it was known":     {"u4", "icu/nurse", day.AddDate(0, 0, -60), day.AddDate(0, 0, 1), before, [2]string{}},
			"group that is asked": {"u5", "lab/clerk", day.AddDate(0, 0, -60), day.AddDate(0, 0, 1), 0, [2]string{"LAB", "Clerk"}},
			"few days":            {"u6", "icu/nurse", day.AddDate(0, 0, -26), day.AddDate(0, 0, -25), 0, [2]string{"ICU", "nurse"}},
		} {
			known := now
			if tt.asOf != 0 {
				known = then
			}
			all := w.fold(tt.group, tt.from, tt.until, known)
			var who int
			if _, err := fmt.Sscanf(tt.reader, "u%d", &who); err != nil {
				t.Fatal(err)
			}
			if all[who] == nil {
				all[who] = &did{days: map[string]map[string]bool{}}
			}
			want := expect(all, who)
			got := w.profile(t, func(m *v1.ReaderProfileRequest) {
				m.Reader, m.FromUs, m.UntilUs, m.AsOfUs = "urn:staff|"+tt.reader, tt.from.UnixMicro(), tt.until.UnixMicro(), tt.asOf
				m.Department, m.Role = tt.ask[0], tt.ask[1]
			})
			if all[who].accesses == 0 {
				want.WeekHours = nil
			}
			if got.Group == nil || !strings.EqualFold(strings.TrimSpace(got.Group.Department)+"/"+got.Group.Role, tt.group) {
				t.Errorf("seed %d, %s: compared in %v, want %s", seed, name, got.Group, tt.group)
			}
			compared += int(got.Peers)
			text := got.String()
			for other := range 12 {
				// As a whole text: the id of the question can end like one of them.
				if other != who && strings.Contains(text, fmt.Sprintf("\"u%d\"", other)) {
					t.Errorf("seed %d, %s: names u%d: %s", seed, name, other, text)
				}
			}
			ignore := protocmp.IgnoreFields(&v1.ReaderProfileResponse{}, "header", "identifiers", "groups", "group")
			if diff := cmp.Diff(want, got, protocmp.Transform(), ignore); diff != "" {
				t.Errorf("seed %d, %s: %s", seed, name, diff)
			}
		}
		if compared < 20 {
			t.Errorf("seed %d: %d peers in all: the worlds compare nothing", seed, compared)
		}
	}
}

// TestProfilePeriod: without a period it is the 30 days that end with the reader's latest, and the header says which.
func TestProfilePeriod(t *testing.T) {
	w := newWorld(t)
	latest := begin.AddDate(0, 0, -100)
	for i := range 6 {
		for _, at := range []time.Time{latest, latest.AddDate(0, 0, -29), latest.AddDate(0, 0, -31)} {
			w.append(access("ehr", at, id("urn:mrn", "1"), id("urn:staff", fmt.Sprint("u", i)), func(e *v1.AccessEvent) {
				e.Reader.Department = "ICU"
			}))
		}
	}
	w.settle()
	res, err := w.service.ReaderProfile(w.ctx(), connect.NewRequest(&v1.ReaderProfileRequest{Reader: "u0", Purpose: "p"}))
	if err != nil {
		t.Fatal(err)
	}
	day := latest.Truncate(24 * time.Hour)
	if h := res.Msg.Header; h.FromUs != day.AddDate(0, 0, -29).UnixMicro() || h.UntilUs != day.AddDate(0, 0, 1).UnixMicro() {
		t.Errorf("from %v until %v", time.UnixMicro(h.FromUs).UTC(), time.UnixMicro(h.UntilUs).UTC())
	}
	if res.Msg.Accesses != 2 || res.Msg.Peers != 5 || res.Msg.PeerWeekHours == nil {
		t.Errorf("%v", res.Msg)
	}
	if q := w.asked[len(w.asked)-1]; q.Query != "ReaderProfile" || q.Rows != 1 || q.Purpose != "p" {
		t.Errorf("journaled %v", q)
	}
	// One peer less, and nothing is told of the others.
	res, err = w.service.ReaderProfile(w.ctx(), connect.NewRequest(&v1.ReaderProfileRequest{Reader: "u0", Purpose: "p", Department: "none"}))
	if err != nil {
		t.Fatal(err)
	}
	if m := res.Msg; m.Peers != 0 || m.PeerWeekHours != nil || m.UsualHours != nil || !strings.Contains(strings.Join(m.Header.Notes, " "), "Fewer than 5") {
		t.Errorf("%v", m)
	}
}

// TestProfileOfOneself is refused, under any identifier, and journaled; a viewer asks nothing of the kind.
func TestProfileOfOneself(t *testing.T) {
	w := newWorld(t)
	w.append(access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "jo")), access("ehr", begin, id("urn:mrn", "1"), id("urn:staff", "kim")))
	w.append(practitionerFact("hr", "Practitioner/1", []*v1.Identifier{id("urn:staff", "jo"), id("urn:login", "jo.s")}))
	w.settle()
	service, jo := w.asJo(), as(t.Context(), "token:jo", proto.RoleInvestigator)
	for _, reader := range []string{"jo", "urn:staff|jo", "JO.S"} {
		_, err := service.ReaderProfile(jo, connect.NewRequest(&v1.ReaderProfileRequest{Reader: reader, Purpose: "p"}))
		if connect.CodeOf(err) != connect.CodePermissionDenied || w.asked[len(w.asked)-1].Withheld != 1 {
			t.Errorf("%s: %v, journaled %v", reader, err, w.asked[len(w.asked)-1])
		}
	}
	if _, err := service.ReaderProfile(jo, connect.NewRequest(&v1.ReaderProfileRequest{Reader: "kim", Purpose: "p"})); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	_, err := service.ReaderProfile(as(t.Context(), "token:v", proto.RoleViewer), connect.NewRequest(&v1.ReaderProfileRequest{Reader: "kim", Purpose: "p"}))
	if connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("a viewer: %v", err)
	}
}
