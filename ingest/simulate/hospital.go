package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// Hospital is a whole synthetic hospital: people and departments are made once, everything that happens is computed for a
// day when it is asked for. It does not change after NewHospital and is safe for concurrent use.
type Hospital struct {
	cfg      Config
	seed     uint64
	startDay int32  // days since 1970-01-01 of day 0
	tag      uint64 // of the whole Config; event ids carry five digits of it

	persons     []person
	households  []household
	streets     []street
	staff       []member
	patients    []patient
	departments []department
	byUnit      [units][]int

	// mrnOf permutes patients into the order in which they registered: their record numbers rise in it.
	mrnOf     []int32
	patientOf []int32 // the inverse
	// turns permutes patients into the order in which they fall ill.
	turns      []int32
	duplicates int32
	// perDay is the most episodes that begin in a day.
	perDay int
	// badge holds, for each of the staff, how events name them.
	badge []badge
	// vips are the patients whom the town knows.
	vips []int32

	// ties are couples that came apart; tieOf and tieTo find them by staff and by patient.
	ties         []tie
	tieOf, tieTo map[int32]int32
	// dead are the patients who died or will, in the order of their days.
	dead []int32
	// wrongs are the incidents of misuse that were planned, by day.
	wrongs []wrong
	// news are the days on which the town hears of one of the vips.
	news []news

	story *story
}

// member is one of the staff.
type member struct {
	person     int32
	department uint16
	role       role
	rank       int32 // place in the rota among those of the same role and department
	hired      int32 // day of the hospital
	left       int32 // first day without employment; never for most
	back       int32 // first day of another employment after that; never for most
	leaves     int32 // first day without employment that lies behind the days, by the staff list; never for most
}

const never = math.MaxInt32

// patient is one who has a record.
type patient struct {
	person    int32
	physician int32 // primary care, an index into staff
	condition uint8 // index into conditions: what they live with
	sensitive uint8 // index into sensitivities; 0 is none
	vip       bool
	died      int32 // day of the hospital, never for most
	duplicate int32 // number of a second record that was merged into the first; 0: none
}

// NewHospital makes the hospital of a Config: its people, homes, departments, staff and story. It takes about 20 ms for
// 8,000 patients and holds about 100 bytes for each.
func NewHospital(cfg Config) (*Hospital, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	h := &Hospital{cfg: cfg, seed: mix(cfg.Seed ^ 0x72656164747261), startDay: daysSinceEpoch(cfg.Start)}
	h.tag = h.fingerprint()
	strangers := cfg.Staff * 6 / 10
	h.settle(cfg.Patients + strangers)
	h.open()
	h.employAndRegister(cfg.Staff, strangers)
	if len(h.staff) < cfg.Staff || len(h.patients) != cfg.Patients {
		return nil, fmt.Errorf("simulate: the town has %d people fit for work and %d others, not %d and %d",
			len(h.staff), len(h.patients), cfg.Staff, cfg.Patients)
	}
	h.hire()
	h.diagnose()
	h.badges()
	h.part()
	h.perDay = min(cfg.Staff*7/10, cfg.Patients/(horizon+1))
	if !cfg.NoStory {
		h.story = h.plant()
	}
	if s := h.story; s != nil {
		h.tie(tie{s.reader, s.patient, homeAndContact, -380})
	}
	h.giveNotice()
	h.intend()
	return h, nil
}

// fingerprint differs between hospitals that differ in anything, so that their events do not claim the same ids.
func (h *Hospital) fingerprint() uint64 {
	c := h.cfg
	x := h.seed
	for _, v := range append([]int{c.Staff, c.Patients, c.Days, c.Incidents, int(h.startDay), int(b2u(c.NoStory)), int(b2u(c.Covering))}, c.weights()...) {
		x = mix(x ^ uint64(int64(v)))
	}
	for _, b := range []byte(c.Zone.String()) {
		x = mix(x ^ uint64(b))
	}
	return x
}

// Config returns what the hospital was made from, with the defaults filled in.
func (h *Hospital) Config() Config { return h.cfg }

// diagnose gives each patient what they live with, their physician and what is sensitive about them.
func (h *Hospital) diagnose() {
	d := h.roll(forPatients, 0, 0)
	h.mrnOf = d.permutation(len(h.patients))
	h.turns = d.permutation(len(h.patients))
	h.patientOf = make([]int32, len(h.mrnOf))
	for i, n := range h.mrnOf {
		h.patientOf[n] = int32(i)
	}
	primary := h.primaryPhysicians()
	for i := range h.patients {
		p := &h.patients[i]
		who := &h.persons[p.person]
		age := h.age(who, 0)
		p.condition = uint8(d.n(len(conditions)))
		p.physician = -1
		if len(primary) > 0 {
			p.physician = primary[d.n(len(primary))]
		}
		if d.chance(sensitivePerMille) {
			p.sensitive = uint8(1 + d.n(len(sensitivities)-1))
		}
		if d.chance(duplicatePerMille) {
			h.duplicates++
			p.duplicate = h.duplicates
		}
		p.died = never
		if age > 68 && d.chance(40) {
			p.died = int32(d.between(-700, h.cfg.Days))
			h.dead = append(h.dead, int32(i))
		}
		if age > 25 && who.staff < 0 && (d.n(10_000) < vipPerTenThousand || len(h.vips) == 0 && i > len(h.patients)/2) {
			p.vip = true
			h.vips = append(h.vips, int32(i))
		}
	}
	slices.SortStableFunc(h.dead, func(a, b int32) int { return cmp.Compare(h.patients[a].died, h.patients[b].died) })
}

const (
	sensitivePerMille = 25
	vipPerTenThousand = 4
	duplicatePerMille = 8
)

func (h *Hospital) primaryPhysicians() []int32 {
	var all []int32
	for _, i := range h.byUnit[clinic] {
		if d := &h.departments[i]; d.code[:5] == "C-PRI" {
			all = append(all, d.staff[physician]...)
		}
	}
	return all
}

// at returns the instant of a minute of a local day in Unix milliseconds. Minutes below 0 or above 1,439 lie in the days
// around it; where the clocks change, the hours after the change keep their local time.
func (h *Hospital) at(day, minute int) int64 {
	day += floorDiv(minute, 1440)
	minute = floorMod(minute, 1440)
	t := h.cfg.Start
	return time.Date(t.Year(), t.Month(), t.Day()+day, minute/60, minute%60, 0, 0, h.cfg.Zone).UnixMilli()
}

// Day returns the number of the local day that holds an instant: 0 is the first, negative ones come before it.
func (h *Hospital) Day(t time.Time) int {
	return int(daysSinceEpoch(t.In(h.cfg.Zone)) - h.startDay)
}

// Range returns the beginning of the first day and the end of the last.
func (h *Hospital) Range() (from, to time.Time) {
	return time.UnixMilli(h.at(0, 0)).In(h.cfg.Zone), time.UnixMilli(h.at(h.cfg.Days, 0)).In(h.cfg.Zone)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floorMod(a, b int) int { return a - floorDiv(a, b)*b }
