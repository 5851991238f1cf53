package simulate

import "strconv"

// role is what somebody is employed as.
type role uint8

const (
	nurse role = iota
	physician
	resident
	clerk
	technician
	pharmacist
	student
	coder
	analyst
	researcher
	contractor
	roles // how many there are
)

// roleTable holds how a role is named: the local code and FHIR's practitioner-role, where that has one.
var roleTable = [roles]struct{ code, display, fhir string }{
	nurse:      {"nurse", "Registered nurse", "nurse"},
	physician:  {"physician", "Physician", "doctor"},
	resident:   {"resident", "Resident physician", "doctor"},
	clerk:      {"clerk", "Clerk", ""},
	technician: {"technician", "Technologist", ""},
	pharmacist: {"pharmacist", "Pharmacist", "pharmacist"},
	student:    {"student", "Student", ""},
	coder:      {"coder", "Medical coder", ""},
	analyst:    {"analyst", "Systems analyst", "ict"},
	researcher: {"researcher", "Research coordinator", "researcher"},
	contractor: {"contractor", "External engineer", "ict"},
}

// unit is what kind of department it is; it decides the rota and what happens there.
type unit uint8

const (
	emergency unit = iota
	intensive
	medicine
	surgery
	oncology
	maternity
	psychiatry
	clinic
	radiology
	laboratory
	pharmacy
	registration
	billing
	quality
	informatics
	research
	floatPool
	outside
	units
)

type department struct {
	unit unit
	code string
	name string
	// staff per role, as indexes, in the order they were hired.
	staff [roles][]int32
}

// headcount is how many of a thousand staff a unit has, by role; the rest are nurses on medical wards. Shares follow the
// usual mix of an acute hospital: half nurses, a fifth physicians and residents, a tenth clerks.
var headcount = []struct {
	unit     unit
	role     role
	perMille int
}{
	{outside, contractor, 5},
	{emergency, nurse, 48},
	{emergency, physician, 18},
	{emergency, resident, 12},
	{emergency, clerk, 4},
	{intensive, nurse, 50},
	{intensive, physician, 8},
	{intensive, resident, 8},
	{intensive, clerk, 4},
	{medicine, nurse, 116},
	{medicine, physician, 22},
	{medicine, resident, 24},
	{medicine, clerk, 8},
	{medicine, student, 14},
	{surgery, nurse, 90},
	{surgery, physician, 24},
	{surgery, resident, 20},
	{surgery, clerk, 6},
	{surgery, student, 8},
	{oncology, nurse, 32},
	{oncology, physician, 9},
	{oncology, resident, 6},
	{oncology, clerk, 4},
	{maternity, nurse, 40},
	{maternity, physician, 10},
	{maternity, resident, 6},
	{maternity, clerk, 4},
	{maternity, student, 4},
	{psychiatry, nurse, 32},
	{psychiatry, physician, 8},
	{psychiatry, resident, 5},
	{psychiatry, clerk, 4},
	{clinic, nurse, 40},
	{clinic, physician, 44},
	{clinic, clerk, 32},
	{radiology, technician, 26},
	{radiology, physician, 12},
	{radiology, clerk, 4},
	{laboratory, technician, 36},
	{laboratory, physician, 4},
	{pharmacy, pharmacist, 22},
	{pharmacy, technician, 8},
	{registration, clerk, 30},
	{billing, coder, 18},
	{billing, clerk, 18},
	{quality, nurse, 8},
	{informatics, analyst, 12},
	{research, researcher, 10},
	{floatPool, nurse, 24},
}

// wards says how many departments of a unit a hospital of that many staff has.
func wards(u unit, staff int) int {
	switch u {
	case medicine:
		return max(1, staff/200)
	case surgery:
		return max(1, staff/250)
	case emergency, oncology, maternity, psychiatry:
		return max(1, staff/1500)
	case intensive:
		return max(1, staff/800)
	case clinic:
		return len(clinics) * max(1, staff/600)
	case radiology, laboratory, pharmacy, registration, billing, quality, informatics, research, floatPool, outside, units:
		return 1
	}
	return 1
}

var clinics = []struct{ code, name string }{
	{"CAR", "Cardiology Clinic"},
	{"ORT", "Orthopaedics Clinic"},
	{"GYN", "Women's Clinic"},
	{"ONC", "Oncology Clinic"},
	{"PRI", "Primary Care Clinic"},
	{"NEU", "Neurology Clinic"},
}

var unitTable = [units]struct{ code, name string }{
	emergency: {"ED", "Emergency Department"}, intensive: {"ICU", "Intensive Care Unit"},
	medicine: {"MED", "General Medicine"}, surgery: {"SUR", "Surgery"}, oncology: {"ONC", "Oncology"},
	maternity: {"MAT", "Maternity"}, psychiatry: {"PSY", "Psychiatry"}, clinic: {"OPD", "Outpatient Clinic"},
	radiology: {"RAD", "Radiology"}, laboratory: {"LAB", "Laboratory"}, pharmacy: {"PHA", "Pharmacy"},
	registration: {"REG", "Patient Registration"}, billing: {"HIM", "Coding and Billing"}, quality: {"QUA", "Quality"},
	informatics: {"ITS", "Information Technology"}, research: {"RES", "Clinical Research"}, floatPool: {"FLT", "Float Pool"},
	outside: {"EXT", "External Support"},
}

// open makes the departments.
func (h *Hospital) open() {
	for u := range units {
		n := wards(u, h.cfg.Staff)
		for i := range n {
			d := department{unit: u, code: unitTable[u].code, name: unitTable[u].name}
			switch {
			case u == clinic:
				d.code, d.name = "C-"+clinics[i%len(clinics)].code, clinics[i%len(clinics)].name
				if more := i / len(clinics); more > 0 {
					d.code, d.name = d.code+strconv.Itoa(more+1), d.name+" "+strconv.Itoa(more+1)
				}
			case n > 1:
				d.code, d.name = d.code+strconv.Itoa(i+1), d.name+" "+strconv.Itoa(i+1)
			}
			h.byUnit[u] = append(h.byUnit[u], len(h.departments))
			h.departments = append(h.departments, d)
		}
	}
}

// hire gives each member of staff a department and a role, by the shares of headcount.
func (h *Hospital) hire() {
	d := h.roll(forStaff, 1, 0)
	next := 0
	place := func(u unit, r role, i int) {
		if next == len(h.staff) {
			return
		}
		depts := h.byUnit[u]
		dept := depts[i%len(depts)]
		m := &h.staff[next]
		m.department, m.role = uint16(dept), r
		m.rank = int32(len(h.departments[dept].staff[r]))
		h.departments[dept].staff[r] = append(h.departments[dept].staff[r], int32(next))
		h.employ(&d, m)
		next++
	}
	for _, c := range headcount {
		// Two at least, so that someone is there when the other is off, and one in each ward.
		n := max(2, len(h.byUnit[c.unit]), (h.cfg.Staff*c.perMille+500)/1000)
		for i := range n {
			place(c.unit, c.role, i)
		}
	}
	for i := 0; next < len(h.staff); i++ {
		place(medicine, nurse, i)
	}
}

// employ draws when somebody came and whether they leave: two in a hundred left shortly before or leave within the days.
// Contracts with those from outside are shorter.
func (h *Hospital) employ(d *dice, m *member) {
	m.hired = int32(-d.between(30, 7000))
	m.left, m.back, m.leaves = never, never, never
	switch {
	case d.chance(22):
		m.left = int32(d.between(-90, h.cfg.Days-1))
		// One in four comes back: sooner or later than anybody thought.
		if d.chance(250) {
			m.back = m.left + int32(d.between(3, 45))
		}
	case m.role == contractor && d.chance(400):
		m.left = int32(d.between(-30, h.cfg.Days-1))
	}
}

const (
	// leavesPerMille is how many of the staff will leave within the quarter after the days: 18 in a hundred a year, as nurses do.
	leavesPerMille = 45
	// quarter is how long before an end it stands in the staff list, in days.
	quarter = 90
)

// giveNotice draws who will leave soon after the days, as the staff list already says. It has dice of its own, as all that came later.
func (h *Hospital) giveNotice() {
	for i := range h.staff {
		m := &h.staff[i]
		d := h.roll(forNotice, uint64(i), 0)
		if d.chance(leavesPerMille) && m.left == never && m.role != contractor && (h.story == nil || h.story.reader != int32(i)) {
			m.leaves = int32(h.cfg.Days + d.n(quarter))
		}
	}
}

// ends is the first day without employment, never for most.
func (m *member) ends() int32 { return min(m.left, m.leaves) }

// leaver draws somebody who works on a day and leaves for good within the quarter after it; -1: there is nobody.
func (h *Hospital) leaver(d *dice, day int32) int32 {
	var all []int32
	for i := range h.staff {
		m := &h.staff[i]
		if m.ends() <= day || m.ends() > day+quarter-1 || m.back != never || m.role == contractor {
			continue
		}
		if _, ok := h.shift(int32(i), int(day)); ok {
			all = append(all, int32(i))
		}
	}
	if len(all) == 0 {
		return -1
	}
	return all[d.n(len(all))]
}
