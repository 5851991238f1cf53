package facts

import "strings"

// position is where a Location is on earth, in degrees times a million (Location.position); both 0: not stated.
type position struct{ latE6, lonE6 int32 }

// nameSystem and weakSystem are the texts of the systems of names and of bare references; see State.system.
const nameSystem, weakSystem = string(className) + "\x00", string(classWeak) + "\x00"

// mostWithin is how many Locations are looked at whose own position is not stated, each part of the next one: Location.physicalType has site,
// building, wing, ward, level, corridor, room and bed.
const mostWithin = 8

// position reads Location.position, which R4 and R5 write alike. What is no place on earth is none.
func (d *document) position() position {
	at := d.get(0, "position")
	lat, okLat := degrees(d.scalar(d.get(at, "latitude")), 90)
	lon, okLon := degrees(d.scalar(d.get(at, "longitude")), 180)
	if !okLat || !okLon {
		return position{}
	}
	return position{lat, lon}
}

// MetresApart is how far apart two sites are, which are texts as events name them: by name, reference, id or code of their Locations. It
// is 0 where both are one, and -1 where of one of them it is not known where it is.
func (s *State) MetresApart(a, b ID) int32 {
	x, y := s.departmentOf(s.Text(a)), s.departmentOf(s.Text(b))
	switch {
	case x == 0 || y == 0:
		return -1
	case x == y:
		return 0
	}
	from, to := s.positionOf(x), s.positionOf(y)
	if from == (position{}) || to == (position{}) {
		return -1
	}
	return metres(from.latE6, from.lonE6, to.latE6, to.lonE6)
}

// positionOf is where a department is: by the position of its Locations, else of what they are part of. Where several go by one name and are
// at different places, or parts of different ones, it is not known which of them is meant.
func (s *State) positionOf(n ID) position {
	for range mostWithin {
		var at position
		within := ID(0)
		one := true // all that are part of something are parts of the same
		for _, m := range s.departments.same(n) {
			if int(m) >= len(s.units) || s.units[m] == nil {
				continue
			}
			u := s.units[m]
			if u.at != (position{}) {
				if at != (position{}) && at != u.at {
					return position{}
				}
				at = u.at
			}
			if whole := s.departments.lookup(u.within); whole != 0 {
				one = one && (within == 0 || within == whole)
				within = whole
			}
		}
		if at != (position{}) || !one {
			return at
		}
		n = within
	}
	return position{}
}

// departmentOf is the number of a department by its name, reference ("Location/1"), id or code; 0 where nothing named it.
func (s *State) departmentOf(text string) ID {
	sp := &s.departments
	if n := sp.lookup(sp.keys.find(s.texts.find(0, nameSystem), fold(text, ""))); n != 0 {
		return n
	}
	return sp.lookup(sp.keys.find(s.texts.find(0, weakSystem), strings.ToLower(strings.TrimSpace(text))))
}
