package simulate

// episodeKind is why somebody comes.
type episodeKind uint8

const (
	clinicVisit episodeKind = iota
	emergencyVisit
	emergencyAdmission
	electiveSurgery
	cancerCare
	birth
	psychiatricCare
)

// horizon is how many days after its first an episode can still cause accesses: the longest stay (16 days), coding and
// billing (6) and the follow-up visit lie within it. A patient has one episode at a time, because their turn comes round
// later than that.
const horizon = 24

// episode is one reason for care: a visit, or an emergency with the stay, the transfers and the visit that follow.
type episode struct {
	id        uint64
	day       int
	kind      episodeKind
	patient   int32
	condition uint8
	kin       int32 // a relative of the patient who works in the house, or -1
	n         int
	stages    [4]stage
}

// stage is the time that an episode spends in one department. Stages with the same encounter number are one Encounter.
type stage struct {
	department uint16
	encounter  uint8
	booked     bool // by appointment
	attending  int32
	start, end int64
}

// Shares of episode kinds per thousand on workdays and on other days, and how many of perDay begin on other days: clinics
// and elective lists are closed then. About 245 emergency visits a thousand episodes, one in four admitted.
var (
	workdayKinds = []int{570, 240, 95, 48, 18, 17, 12}
	weekendKinds = []int{0, 600, 270, 0, 25, 65, 40}
)

const weekendPercent = 45

// arrivals by hour of day at an emergency department, per thousand: the low at five, the high from eleven to nine.
var arrivals = []int{24, 19, 16, 14, 13, 13, 16, 24, 36, 47, 54, 57, 57, 56, 55, 54, 55, 57, 58, 56, 53, 48, 40, 32}

// stays in days by falling frequency; the mean is 4.
var stays = []int{1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 10, 12}

// begins is how many episodes begin on a day.
func (h *Hospital) begins(day int) int {
	if h.workday(day) {
		return h.perDay
	}
	return h.perDay * weekendPercent / 100
}

// An episode's id is its day, moved so that none is negative, and its number on that day.
const (
	dayZero     = 1 << 20
	episodeBits = 20
)

// episode plans the i-th episode that begins on a day; false when the patient whose turn it is has died.
func (h *Hospital) episode(day, i int) (episode, bool) {
	turn := floorMod(day*h.perDay+i, len(h.turns))
	e := episode{id: uint64(int64(day)+dayZero)<<episodeBits | uint64(i), day: day, patient: h.turns[turn]}
	p := &h.patients[e.patient]
	if p.died-horizon <= int32(day) {
		return e, false
	}
	d := h.roll(forEpisode, e.id, 0)
	kinds := workdayKinds
	if !h.workday(day) {
		kinds = weekendKinds
	}
	e.kin = h.staffKin(e.patient)
	e.kind = h.suited(episodeKind(d.pick(kinds)), p, day)
	switch e.kind {
	case clinicVisit:
		h.planVisit(&e, &d, day, h.clinicFor(&e, &d), 0)
	case emergencyVisit, emergencyAdmission:
		h.planEmergency(&e, &d)
	case electiveSurgery:
		h.planStay(&e, &d, surgery, h.at(day, d.between(6*60, 10*60)), 0)
	case cancerCare:
		h.planStay(&e, &d, oncology, h.at(day, d.between(8*60, 15*60)), 0)
	case birth:
		h.planStay(&e, &d, maternity, h.at(day, d.n(1440)), 0)
	case psychiatricCare:
		h.planStay(&e, &d, psychiatry, h.at(day, d.between(8*60, 22*60)), 0)
	}
	if e.n == 0 {
		return e, false
	}
	e.condition = conditionOf(h.departments[e.stages[min(e.n-1, 1)].department].unit, &d)
	return e, true
}

// suited turns a kind that does not fit the patient into an emergency visit. Those whom the town knows are mostly treated
// elsewhere, and come to a clinic.
func (h *Hospital) suited(k episodeKind, p *patient, day int) episodeKind {
	who := &h.persons[p.person]
	age := h.age(who, day)
	if p.vip && who.birthDay&7 > 0 {
		if h.workday(day) {
			return clinicVisit
		}
		return emergencyVisit
	}
	if k == birth && (!who.female || age < 18 || age > 44) || k == psychiatricCare && age < 16 {
		return emergencyVisit
	}
	return k
}

// clinicFor is where a visit takes place: half of those who have a relative in a clinic go there.
func (h *Hospital) clinicFor(e *episode, d *dice) int {
	p := &h.patients[e.patient]
	all := h.byUnit[clinic]
	k := all[d.n(len(all))]
	if e.kin >= 0 && d.chance(kinPerMille) && h.departments[h.staff[e.kin].department].unit == clinic {
		k = int(h.staff[e.kin].department)
	}
	if h.departments[k].code[:5] == "C-GYN" && !h.persons[p.person].female {
		k = all[(d.n(len(all)/len(clinics))*len(clinics) + 4)]
	}
	return k
}

// planVisit books a visit at a clinic: every twenty minutes from eight to four, with a physician who works on that day.
func (h *Hospital) planVisit(e *episode, d *dice, day, dept int, encounter uint8) {
	slot := 8*60 + d.n(22)*20
	all := h.departments[dept].staff[physician]
	k := d.n(len(all))
	for range all {
		s, ok := h.shift(all[k], day)
		start := h.at(day, slot)
		if ok && s.start <= start && start+visitLength < s.end {
			e.add(stage{uint16(dept), encounter, true, all[k], start, start + visitLength})
			return
		}
		k = (k + 1) % len(all)
	}
}

const visitLength = 40 * minute

// Units of time in milliseconds.
const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
)

func (e *episode) add(s stage) {
	if e.n < len(e.stages) {
		e.stages[e.n] = s
		e.n++
	}
}

func (h *Hospital) planEmergency(e *episode, d *dice) {
	start := h.at(e.day, d.pick(arrivals)*60+d.n(60))
	end := start + int64(d.bell(70, 480))*minute
	depts := h.byUnit[emergency]
	dept := uint16(depts[d.n(len(depts))])
	e.add(stage{dept, 0, false, h.attending(dept, d), start, end})
	if e.kind == emergencyAdmission {
		u := []unit{medicine, medicine, medicine, medicine, surgery, surgery, oncology, intensive}[d.n(8)]
		h.planStay(e, d, u, end+d.minutes(10, 50), 1)
	}
}

// planStay plans a stay that begins in a unit: intensive care hands over to a ward, one ward patient in eight moves
// once, and two in five come back to a clinic a week or so after they went home between ten and five.
func (h *Hospital) planStay(e *episode, d *dice, u unit, start int64, encounter uint8) {
	days := stays[d.n(len(stays))]
	switch u {
	case psychiatry:
		days = d.between(4, 12)
	case maternity:
		days = d.between(2, 4)
	case emergency, intensive, medicine, surgery, oncology, clinic, radiology, laboratory, pharmacy, registration, billing,
		quality, informatics, research, floatPool, units:
	}
	day := e.day
	if u == intensive {
		moved := h.at(day+d.between(1, 3), d.between(9*60, 16*60))
		dept := h.wardOf(intensive, d)
		e.add(stage{dept, encounter, false, h.attending(dept, d), start, moved})
		start, u, day = moved, medicine, day+3
	}
	dept := h.wardOf(u, d)
	if e.kin >= 0 && d.chance(kinPerMille) && h.departments[h.staff[e.kin].department].unit == u {
		dept = h.staff[e.kin].department
	}
	out := h.at(day+days, d.between(10*60, 17*60))
	if days > 3 && e.n < 2 && u != psychiatry && d.chance(125) {
		moved := h.at(day+2, d.between(9*60, 18*60))
		e.add(stage{dept, encounter, false, h.attending(dept, d), start, moved})
		start, dept = moved, h.wardOf(u, d)
	}
	e.add(stage{dept, encounter, false, h.attending(dept, d), start, out})
	if back := day + days + d.between(5, 9); d.chance(400) && back < e.day+horizon && h.workday(back) {
		h.planVisit(e, d, back, h.clinicFor(e, d), encounter+1)
	}
}

// kinPerMille is how often families choose the department in which one of them works.
const kinPerMille = 850

func (h *Hospital) wardOf(u unit, d *dice) uint16 {
	return uint16(h.byUnit[u][d.n(len(h.byUnit[u]))])
}

func (h *Hospital) attending(dept uint16, d *dice) int32 {
	all := h.departments[dept].staff[physician]
	if len(all) == 0 {
		return -1
	}
	return all[d.n(len(all))]
}

// encounter names one of the encounters of an episode.
func (e *episode) encounter(n uint8) uint64 { return e.id<<3 | uint64(n) }

// active calls f with every episode that can cause accesses on a day, in a fixed order.
func (h *Hospital) active(day int, f func(*episode)) {
	for from := day - horizon; from <= day; from++ {
		for i := range h.begins(from) {
			if e, ok := h.episode(from, i); ok {
				f(&e)
			}
		}
	}
}

// conditions is what people have (ICD-10-CM), by the unit that treats it; the order within a unit does not matter.
var conditions = []struct {
	unit unit
	code string
	text string
}{
	{emergency, "R07.9", "Chest pain, unspecified"},
	{emergency, "S93.401A", "Sprain of unspecified ligament of right ankle"},
	{emergency, "R10.9", "Unspecified abdominal pain"},
	{emergency, "S61.012A", "Laceration of left thumb"},
	{emergency, "T40.1X1A", "Poisoning by heroin, accidental"},
	{emergency, "R55", "Syncope and collapse"},
	{intensive, "A41.9", "Sepsis, unspecified organism"},
	{intensive, "J96.01", "Acute respiratory failure with hypoxia"},
	{medicine, "J18.9", "Pneumonia, unspecified organism"},
	{medicine, "I50.9", "Heart failure, unspecified"},
	{medicine, "E11.65", "Type 2 diabetes mellitus with hyperglycemia"},
	{medicine, "N39.0", "Urinary tract infection"},
	{medicine, "J44.1", "COPD with acute exacerbation"},
	{medicine, "B20", "Human immunodeficiency virus disease"},
	{surgery, "K35.80", "Unspecified acute appendicitis"},
	{surgery, "K80.20", "Calculus of gallbladder"},
	{surgery, "M17.11", "Osteoarthritis of right knee"},
	{surgery, "S72.001A", "Fracture of neck of right femur"},
	{oncology, "C50.919", "Malignant neoplasm of breast"},
	{oncology, "C34.90", "Malignant neoplasm of lung"},
	{oncology, "C18.9", "Malignant neoplasm of colon"},
	{maternity, "O80", "Full-term uncomplicated delivery"},
	{maternity, "O82", "Cesarean delivery without indication"},
	{psychiatry, "F32.2", "Major depressive disorder, severe"},
	{psychiatry, "F20.9", "Schizophrenia, unspecified"},
	{psychiatry, "F10.20", "Alcohol dependence, uncomplicated"},
	{clinic, "I10", "Essential hypertension"},
	{clinic, "E11.9", "Type 2 diabetes mellitus"},
	{clinic, "M54.50", "Low back pain, unspecified"},
	{clinic, "I25.10", "Atherosclerotic heart disease"},
	{clinic, "G43.909", "Migraine, unspecified"},
	{clinic, "Z00.00", "General adult medical examination"},
}

func conditionOf(u unit, d *dice) uint8 {
	first, n := 0, 0
	for i := range conditions {
		if conditions[i].unit == u {
			if n == 0 {
				first = i
			}
			n++
		}
	}
	return uint8(first + d.n(n))
}

// sensitivities are HL7 v3 ActCode labels (InformationSensitivityPolicy); the first is none.
var sensitivities = []struct{ code, display string }{
	{"", ""},
	{"ETH", "substance abuse information sensitivity"},
	{"HIV", "HIV/AIDS information sensitivity"},
	{"PSY", "psychiatry disorder information sensitivity"},
	{"SDV", "sexual assault, abuse, or domestic violence information sensitivity"},
	{"SEX", "sexuality and reproductive health information sensitivity"},
	{"GDIS", "genetic disease information sensitivity"},
}
