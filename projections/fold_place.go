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
func PlaceKey(kind, value string) uint64 { return Key(kind, value) }

// PlaceDay is the day that place_readers_vN has of a time in microseconds: the number of its month's first day since 1970-01-01, UTC, and the
// place of the day in the month, from 0. Times that Date does not reach are of the nearest day that it does.
func PlaceDay(us int64) (month uint16, day int) {
	at := dayOf(us)
	day = time.Unix(at*int64(24*time.Hour/time.Second), 0).UTC().Day() - 1
	return uint16(at - int64(day)), day
}

// placeRow is a row of place_readers_vN.
type placeRow struct {
	place, reader, position uint64
	month                   uint16
	days                    uint32
	hash                    uint64
}

// placeKinds sets hashes of places apart from those of names, links and groups.
const placeKinds = 193

// places notes who was at which workstation and address on which day.
func (f *folder) places(a *accessFacts) {
	month, day := PlaceDay(a.occurred)
	for _, place := range [...]uint64{PlaceKey(PlaceWorkstation, a.event.Workstation), PlaceKey(PlaceAddress, a.event.NetworkAddress)} {
		if place == 0 {
			continue
		}
		var key [19]byte
		binary.LittleEndian.PutUint64(key[:], place)
		binary.LittleEndian.PutUint64(key[8:], a.readerKey)
		binary.LittleEndian.PutUint16(key[16:], month+uint16(day))
		key[18] = placeKinds
		if hash := xxhash.Sum64(key[:]); !f.repeated(hash) {
			f.out.places = append(f.out.places, placeRow{place: place, reader: a.readerKey, position: a.position, month: month, days: 1 << day, hash: hash})
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
	w.u32(p.days)
	w.u64(p.position)
	w.end()
}
