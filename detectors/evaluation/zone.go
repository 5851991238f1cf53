package evaluation

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// changing are zones whose clocks change, one for each rule that is in use: a dataset states offsets and no zone. The others keep one
// offset all year.
var changing = [...]string{
	"America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Anchorage", "America/Halifax",
	"America/St_Johns", "America/Havana", "America/Santiago", "America/Asuncion", "America/Nuuk", "Atlantic/Azores", "Europe/London",
	"Europe/Berlin", "Europe/Helsinki", "Europe/Chisinau", "Africa/Cairo", "Africa/Casablanca", "Asia/Jerusalem", "Asia/Beirut",
	"Asia/Tehran", "Australia/Sydney", "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham",
}

// slot is how long the times are that are looked at together, in seconds. Clocks change on the quarter hour.
const slot = 15 * 60

// stated counts events by when they were recorded and how far ahead of UTC they say that clocks were.
type stated struct {
	// offsets are those with an offset of their own; plain those in UTC ("Z"), which many systems write wherever they stand.
	offsets, plain map[moment]int
}

// moment is a slot since 1970, and an offset in seconds.
type moment struct {
	slot   int64
	offset int
}

// zoneOf finds the zone in which the events of a dataset state their times: the offset of most of them, or, where that changes as
// clocks do, a zone whose clocks change so. UTC when none states any. Days are local, and a note tells local times, so all events are
// looked at: which offset holds in summer is not said in spring.
func zoneOf(dir fs.FS, paths []string, read func(int)) (*time.Location, error) {
	s := stated{map[moment]int{}, map[moment]int{}}
	for _, path := range paths {
		if err := s.file(dir, path, read); err != nil {
			return nil, err
		}
	}
	return s.zone(), nil
}

func (s *stated) file(dir fs.FS, path string, read func(int)) error {
	r, err := open(dir, path, read)
	if err != nil {
		return err
	}
	defer r.Close()
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := lines.ReadSlice('\n')
		s.line(line)
		for errors.Is(err, bufio.ErrBufferFull) { // the rest of a long line says nothing more
			_, err = lines.ReadSlice('\n')
		}
		if err != nil {
			return nil // what is damaged is told when the file is read as a whole
		}
	}
}

// line counts the time at which an event was recorded.
func (s *stated) line(line []byte) {
	_, rest, found := bytes.Cut(line, []byte(`"recorded"`))
	if !found {
		return
	}
	_, rest, _ = bytes.Cut(rest, []byte(`"`))
	text, _, closed := bytes.Cut(rest, []byte(`"`))
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if !closed || err != nil {
		return
	}
	_, offset := t.Zone()
	to := s.offsets
	if bytes.HasSuffix(text, []byte("Z")) {
		to = s.plain
	}
	to[moment{t.Unix() / slot, offset}]++
}

// misses are how many events state another offset than a zone has at the time; plain those in UTC among them, counted apart.
type misses struct{ stated, plain int }

func (s *stated) misses(zone *time.Location) (m misses) {
	count := func(of map[moment]int) (missed int) {
		for at, n := range of {
			if _, offset := time.Unix(at.slot*slot, 0).In(zone).Zone(); offset != at.offset {
				missed += n
			}
		}
		return missed
	}
	return misses{count(s.offsets), count(s.plain)}
}

// better reports whether a zone whose clocks change agrees with so many more events than an offset that it is no chance: it misses no
// more than half of what the offset does, or less by a twentieth of all. Where those with an offset say nothing, those in UTC decide.
func (m misses) better(than misses, all int) bool {
	if m.stated == than.stated {
		return m.plain < than.plain && 2*m.plain <= than.plain
	}
	return 2*m.stated <= than.stated || m.stated+all/20 < than.stated
}

// zone is the offset that most events state, unless a zone whose clocks change agrees with many more of them: a few events of another
// site make no summer.
func (s *stated) zone() *time.Location {
	counts, all := map[int]int{}, 0
	for at, n := range s.offsets {
		counts[at.offset] += n
		all += n
	}
	if all == 0 {
		return time.UTC
	}
	offset := slices.MinFunc(slices.Sorted(maps.Keys(counts)), func(a, b int) int { return cmp.Compare(counts[b], counts[a]) })
	var best *time.Location
	var least misses
	for _, name := range changing {
		zone, err := time.LoadLocation(name)
		if err != nil {
			continue // not every machine knows every zone
		}
		m := s.misses(zone)
		if best == nil || cmp.Or(cmp.Compare(m.stated, least.stated), cmp.Compare(m.plain, least.plain)) < 0 {
			best, least = zone, m
		}
	}
	if one := fixed(offset); best == nil || !least.better(s.misses(one), all) {
		return one
	}
	return best
}

// fixed is an offset as a zone.
func fixed(offset int) *time.Location {
	if offset == 0 {
		return time.UTC
	}
	return time.FixedZone(fmt.Sprintf("UTC%+03d:%02d", offset/3600, max(offset, -offset)/60%60), offset)
}
