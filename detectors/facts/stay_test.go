package facts_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
)

// stayOf is a row of the badges: who, from and until when ("": the end was not told).
func stayOf(id, who, from, until string) string {
	end := ""
	if until != "" {
		end = `,"end":"` + until + `"`
	}
	return `{"resourceType":"BadgeStay","id":"` + id + `","practitioner":{"reference":"Practitioner/` + who + `"},"period":{"start":"` + from + `"` + end + `}}`
}

// fed are stays of somebody else, an arrival every morning, so that the feed tells of all of January.
func fed() (out []string) {
	for day := 1; day <= 31; day++ {
		out = append(out, stayOf(fmt.Sprintf("fed-%d", day), "other", fmt.Sprintf("2026-01-%02dT07:00:00Z", day), fmt.Sprintf("2026-01-%02dT16:00:00Z", day)))
	}
	return out
}

func presence(s *facts.State, who, when string) facts.Presence {
	return s.PresentAt(reader(s, "Practitioner/"+who), at(when), 15*time.Minute)
}

func TestPresentAt(t *testing.T) {
	day := stayOf("d", "a", "2026-01-12T07:00:00Z", "2026-01-12T12:00:00Z")
	open := stayOf("o", "a", "2026-01-13T07:00:00Z", "")
	for _, c := range []struct {
		name, when string
		stays      []string
		want       facts.Presence
	}{
		{"inside", "2026-01-12 09:00", []string{day}, facts.Present},
		{"within the slack before", "2026-01-12 06:45", []string{day}, facts.Present},
		{"before the slack", "2026-01-12 06:44", []string{day}, facts.Absent},
		{"within the slack after", "2026-01-12 12:15", []string{day}, facts.Present},
		{"after the slack", "2026-01-12 12:16", []string{day}, facts.Absent},
		{"whose end was not told, in sixteen hours", "2026-01-13 23:15", []string{open}, facts.Present},
		{"whose end was not told, after sixteen hours", "2026-01-13 23:16", []string{open}, facts.Absent},
		{"a version with the end", "2026-01-13 20:00", []string{open, stayOf("o", "a", "2026-01-13T07:00:00Z", "2026-01-13T15:00:00Z")}, facts.Absent},
		{"an end before the beginning is none", "2026-01-13 20:00", []string{stayOf("o", "a", "2026-01-13T07:00:00Z", "2026-01-12T15:00:00Z")}, facts.Present},
		{"a week after the last stay", "2026-01-19 12:00", []string{day}, facts.Absent},
		{"more than a week after it", "2026-01-19 12:01", []string{day}, facts.PresenceUnknown},
		{"nobody's badge", "2026-01-12 09:00", nil, facts.PresenceUnknown},
		{"after the newest row", "2026-01-31 09:00", []string{stayOf("l", "a", "2026-01-30T07:00:00Z", "2026-01-30T12:00:00Z")}, facts.PresenceUnknown},
		{"before the newest row", "2026-01-30 18:00", []string{stayOf("l", "a", "2026-01-30T07:00:00Z", "2026-01-30T12:00:00Z")}, facts.Absent},
		{"a day that the feed lost", "2026-02-03 13:00", []string{
			stayOf("x", "a", "2026-02-01T07:00:00Z", "2026-02-01T12:00:00Z"), stayOf("y", "b", "2026-02-04T07:00:00Z", "2026-02-04T12:00:00Z"),
		}, facts.PresenceUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newState(t)
			apply(t, s, fed()...)
			apply(t, s, c.stays...)
			same(t, "presence", presence(s, "a", c.when), c.want)
			same(t, "presence after restore", presence(checkSnapshot(t, s), "a", c.when), c.want)
		})
	}
}

// TestStaysOfVersions asserts that a version replaces the one before, also where it names somebody else, that a deletion takes it back,
// and that what is cancelled is no stay.
func TestStaysOfVersions(t *testing.T) {
	s := newState(t)
	apply(t, s, fed()...)
	apply(t, s, stayOf("w", "a", "2026-01-11T07:00:00Z", "2026-01-11T09:00:00Z"), stayOf("1", "a", "2026-01-12T07:00:00Z", "2026-01-12T12:00:00Z"))
	same(t, "first", presence(s, "a", "2026-01-12 09:00"), facts.Present)
	apply(t, s, stayOf("v", "b", "2026-01-12T20:00:00Z", "2026-01-12T21:00:00Z"), stayOf("1", "b", "2026-01-12T07:00:00Z", "2026-01-12T12:00:00Z"))
	same(t, "whose it was", presence(s, "a", "2026-01-12 09:00"), facts.Absent)
	same(t, "whose it is", presence(s, "b", "2026-01-12 09:00"), facts.Present)
	applyDeleted(t, s, "BadgeStay", "1")
	same(t, "deleted", presence(s, "b", "2026-01-12 09:00"), facts.Absent)
	apply(t, s, `{"resourceType":"BadgeStay","id":"1","status":"cancelled","practitioner":{"reference":"Practitioner/b"},"period":{"start":"2026-01-12T07:00:00Z","end":"2026-01-12T12:00:00Z"}}`)
	same(t, "cancelled", presence(s, "b", "2026-01-12 09:00"), facts.Absent)
	checkSnapshot(t, s)
}

// TestStaysFollowMerges asserts that one human with two numbers has the stays of both, until they are two again.
func TestStaysFollowMerges(t *testing.T) {
	person := func(id, number string) string {
		return `{"resourceType":"Practitioner","id":"` + id + `","identifier":[{"system":"urn:npi","value":"` + number + `"}]}`
	}
	permutations([]string{
		person("a", "5"), person("b", "5"), stayOf("1", "a", "2026-01-12T07:00:00Z", "2026-01-12T12:00:00Z"),
		stayOf("2", "b", "2026-01-13T07:00:00Z", "2026-01-13T12:00:00Z"),
	}, func(order []string) {
		s := newState(t)
		apply(t, s, fed()...)
		apply(t, s, order...)
		same(t, "by the other number", presence(s, "a", "2026-01-13 09:00"), facts.Present)
		same(t, "and back", presence(s, "b", "2026-01-12 09:00"), facts.Present)
		apply(t, s, person("b", "6"))
		same(t, "apart", presence(s, "a", "2026-01-13 09:00"), facts.Absent)
		same(t, "apart, the other", presence(s, "b", "2026-01-12 09:00"), facts.Absent)
		checkSnapshot(t, s)
	})
}

// TestStaysAreBounded asserts that of one person the latest 128 stays are kept, that nobody is called absent at a time of which stays were pushed
// out, and that a row whose clock is years ahead hides nothing that comes after it.
func TestStaysAreBounded(t *testing.T) {
	s := newState(t)
	apply(t, s, fed()...)
	count := func(who string) int {
		return len(s.AppendStays(nil, reader(s, "Practitioner/"+who), facts.Period{From: 0, Until: facts.Forever}))
	}
	first := time.Date(2026, 1, 10, 7, 0, 0, 0, time.UTC)
	for k := range 300 { // from the tenth to the twenty-second
		from := first.Add(time.Duration(k) * time.Hour)
		apply(t, s, stayOf(fmt.Sprintf("b-%d", k), "b", from.Format(time.RFC3339), from.Add(time.Minute).Format(time.RFC3339)))
	}
	for range 2 {
		same(t, "stays of a minute in each hour", count("b"), 128)
		same(t, "between stays that were pushed out", presence(s, "b", "2026-01-13 09:30"), facts.PresenceUnknown)
		same(t, "between stays that are kept", presence(s, "b", "2026-01-20 09:30"), facts.Absent)
		same(t, "within one", presence(s, "b", "2026-01-20 10:00"), facts.Present)
		same(t, "pushed out", s.EvictedStays(), int64(300-128))
		s = checkSnapshot(t, s)
	}
	apply(t, s, stayOf("late", "b", "2026-01-13T08:00:00Z", "2026-01-13T12:00:00Z"))
	same(t, "of a time that is not kept", presence(s, "b", "2026-01-13 09:30"), facts.PresenceUnknown)
	apply(t, s, stayOf("ahead", "a", "2062-01-12T07:00:00Z", ""), stayOf("a-1", "a", "2026-01-12T07:00:00Z", "2026-01-12T12:00:00Z"))
	same(t, "after a row that is years ahead", presence(s, "a", "2026-01-12 09:00"), facts.Present)
	same(t, "and out of the house", presence(s, "a", "2026-01-12 15:00"), facts.Absent)
	checkSnapshot(t, s)
}
