package simulate

import "time"

// person is one inhabitant: a patient, a member of staff, or both.
type person struct {
	surname   uint8
	givenName uint8
	female    bool
	place     uint8 // 0 and 1 head a household, 2 and more are their children
	household int32
	birthDay  int32 // days since 1970-01-01
	maiden    uint8 // surname before marriage plus one; 0: none
	patient   int32 // index into patients, or -1
	staff     int32 // index into staff, or -1
}

// household is who lives behind one door.
type household struct {
	first, size int32 // its persons stand together
	street      uint16
	number      uint16
	unit        uint8 // 0: a house; else a flat
	phone       uint32
	// parents is the household in which the first person grew up, plus one; child the last one that somebody of this one
	// founded, plus one; 0: none in town.
	parents, child int32
}

// street lies somewhere near 41.2 N 85.0 W and runs north or east. Coordinates are whole millionths of a degree: they
// print the same everywhere.
type street struct {
	name     uint8
	kind     uint8
	east     bool
	suffix   uint8
	lat, lon int32
}

// Steps between two house numbers, about 12 m, in millionths of a degree at 41 degrees north.
const (
	stepNorth = 108
	stepEast  = 143
	// doorsPerStreet is how many numbers a street has; a number holds one house, or up to six flats.
	doorsPerStreet = 60
	flatsPerHouse  = 6
	town           = "Millbrook"
	townState      = "IN"
)

// label is the street's name in one of three spellings.
func (s *street) label(spelling int) string {
	name := streetNames[s.name] + " " + streetKinds[s.kind][spelling]
	if s.suffix > 0 {
		name = ordinals[s.suffix-1] + " " + name
	}
	return name
}

var ordinals = []string{"North", "South", "East", "West", "Old", "Upper", "Lower", "New"}

// position returns latitude and longitude of a household in millionths of a degree.
func (h *Hospital) position(hh *household) (lat, lon int32) {
	s := &h.streets[hh.street]
	lat, lon = s.lat, s.lon
	along := int32(hh.number-1) / 2
	side := int32(hh.number % 2)
	if s.east {
		return lat + side*stepNorth*2, lon + along*stepEast
	}
	return lat + along*stepNorth, lon + side*stepEast*2
}

// household sizes 1 to 6, per hundred (US Census 2020, rounded).
var householdSizes = []int{28, 34, 15, 13, 7, 3}

// settle fills the town with people until there are enough.
func (h *Hospital) settle(people int) {
	d := h.roll(forTown, 0, 0)
	weights := surnameWeights()
	h.persons = make([]person, 0, people)
	for len(h.persons) < people {
		size := d.pick(householdSizes) + 1
		size = min(size, people-len(h.persons))
		hh := household{first: int32(len(h.persons)), size: int32(size), phone: uint32(5550000 + len(h.households))}
		h.fillHousehold(&d, &hh, weights)
		h.descend(&hh)
		h.households = append(h.households, hh)
	}
	h.house(&d)
}

func (h *Hospital) fillHousehold(d *dice, hh *household, weights []int) {
	surname := uint8(d.pick(weights))
	age := d.bell(20, 90)
	if d.chance(250) {
		age = d.between(18, 40)
	}
	female := d.chance(510)
	for i := range int(hh.size) {
		p := person{surname: surname, female: female, place: uint8(i), household: int32(len(h.households)), patient: -1, staff: -1}
		years := age
		switch {
		case i == 1: // a partner, or one who shares the flat
			p.female = female != d.chance(950)
			years = max(18, age+d.between(-7, 7))
			if d.chance(260) {
				p.surname = uint8(d.pick(weights))
			}
		case i > 1:
			p.female = d.chance(490)
			years = max(0, age-d.between(22, 38))
		}
		p.birthDay = h.startDay - int32(years*365) - int32(d.n(365))
		p.givenName = uint8(d.n(len(maleNames)))
		if p.female {
			p.givenName = uint8(d.n(len(femaleNames)))
		}
		h.persons = append(h.persons, p)
	}
}

// house gives every household a door: most a house, one in three a flat with others under the same number.
func (h *Hospital) house(d *dice) {
	order := d.permutation(len(h.households))
	var door, flat int
	for _, i := range order {
		hh := &h.households[i]
		if flat == 0 {
			door++
			if d.chance(90) {
				flat = d.between(3, flatsPerHouse)
			}
		}
		if flat > 0 {
			hh.unit = uint8(flat)
			flat--
		}
		hh.street = uint16((door - 1) / doorsPerStreet)
		hh.number = uint16((door-1)%doorsPerStreet + 1)
	}
	for i := range (door-1)/doorsPerStreet + 1 {
		kinds := len(streetKinds)
		h.streets = append(h.streets, street{
			name: uint8(i % len(streetNames)), kind: uint8(i / len(streetNames) % kinds),
			suffix: uint8(i / len(streetNames) / kinds % (len(ordinals) + 1)),
			east:   d.chance(500), lat: 41_150_000 + int32(d.n(100_000)), lon: -85_060_000 + int32(d.n(120_000)),
		})
	}
}

// employAndRegister decides who of the town works in the hospital and who has a record there: everyone has one but most
// of the staff.
func (h *Hospital) employAndRegister(staff, strangers int) {
	d := h.roll(forStaff, 0, 0)
	order := d.permutation(len(h.persons))
	h.staff = make([]member, 0, staff)
	for _, i := range order {
		if len(h.staff) == staff {
			break
		}
		p := &h.persons[i]
		if age := h.age(p, 0); age < 21 || age > 64 {
			continue
		}
		p.staff = int32(len(h.staff))
		if int(p.staff) < strangers {
			p.patient = notPatient
		}
		h.staff = append(h.staff, member{person: i})
	}
	h.patients = make([]patient, 0, len(h.persons)-strangers)
	for i := range h.persons {
		if p := &h.persons[i]; p.patient == -1 {
			p.patient = int32(len(h.patients))
			h.patients = append(h.patients, patient{person: int32(i)})
		}
	}
	for i := range h.persons {
		if h.persons[i].patient == notPatient {
			h.persons[i].patient = -1
		}
	}
}

const notPatient = -2

// age in whole years on a day of the hospital, near enough for what it decides.
func (h *Hospital) age(p *person, day int) int {
	return int(h.startDay+int32(day)-p.birthDay) / 365
}

func daysSinceEpoch(t time.Time) int32 {
	return int32(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400)
}
