package projections

import (
	"encoding/binary"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Kinds of places.
const (
	PlaceWorkstation = "workstation"
	PlaceAddress     = "address"
)

// PlaceKey is the place_key of a workstation or network address as events state it, at least 2; 0 when it is empty.
func PlaceKey(kind, value string) uint64 {
	if value == "" {
		return 0
	}
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(kind)
	_, _ = d.WriteString("|")
	_, _ = d.WriteString(value)
	return max(d.Sum64(), 2)
}

// PlaceMonth is the month of place_readers_vN that a time in microseconds lies in: the number of its first day since 1970-01-01, UTC. Times
// that Date does not reach lie in the nearest month that it does.
func PlaceMonth(us int64) uint16 {
	day := time.Unix(dayOf(us)*int64(24*time.Hour/time.Second), 0).UTC()
	return uint16(dayOf(us) - int64(day.Day()-1))
}

// placeRow is a row of place_readers_vN.
type placeRow struct {
	place, reader, position uint64
	month                   uint16
	hash                    uint64
}

// placeKinds sets hashes of places apart from those of names, links and groups.
const placeKinds = 193

// places notes who was at which workstation and address in which month.
func (f *folder) places(a *accessFacts) {
	month := PlaceMonth(a.occurred)
	for _, place := range [...]uint64{PlaceKey(PlaceWorkstation, a.event.Workstation), PlaceKey(PlaceAddress, a.event.NetworkAddress)} {
		if place == 0 {
			continue
		}
		var key [19]byte
		binary.LittleEndian.PutUint64(key[:], place)
		binary.LittleEndian.PutUint64(key[8:], a.readerKey)
		binary.LittleEndian.PutUint16(key[16:], month)
		key[18] = placeKinds
		if hash := xxhash.Sum64(key[:]); !f.repeated(hash) {
			f.out.places = append(f.out.places, placeRow{place: place, reader: a.readerKey, position: a.position, month: month, hash: hash})
		}
	}
}

// addPlace writes a row, unless it is known to stand in the table.
func (r *run) addPlace(p *placeRow, seen *seenSet) {
	if !seen.add(p.hash) {
		return
	}
	w := r.block(placeReaders).begin()
	w.u64(p.place)
	w.day(int64(p.month) * dayMicros)
	w.u64(p.reader)
	w.u64(p.position)
	w.end()
}
