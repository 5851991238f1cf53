package proto

import (
	"fmt"
	"strings"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// DocumentText says in words what documents an explanation: "Encounter/e17, 3 March to 9 March 2026", by days of the zone. Nothing where
// nothing does, or where it may not be told.
func DocumentText(d *v1.Document, zone *time.Location) string {
	var parts []string
	switch {
	case d.GetPosition() > 0:
		parts = append(parts, fmt.Sprintf("event %d", d.Position))
	case d.GetId() != "":
		parts = append(parts, d.Type+"/"+d.Id)
	}
	if when := stretch(d.GetFromUs(), d.GetUntilUs(), zone); when != "" {
		parts = append(parts, when)
	}
	return strings.Join(parts, ", ")
}

// stretch says when something held; 0 is no beginning, or no end. The end is not part of it.
func stretch(from, until int64, zone *time.Location) string {
	const whole = "2 January 2006"
	first, last := time.UnixMicro(from).In(zone), time.UnixMicro(until-1).In(zone)
	switch {
	case from == 0 && until == 0:
		return ""
	case until == 0:
		return "from " + first.Format(whole)
	case from == 0:
		return "until " + last.Format(whole)
	case first.Format(whole) == last.Format(whole):
		return "on " + last.Format(whole)
	case first.Year() == last.Year():
		return first.Format("2 January") + " to " + last.Format(whole)
	}
	return first.Format(whole) + " to " + last.Format(whole)
}
