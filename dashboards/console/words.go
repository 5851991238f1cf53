package console

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func actionWord(a v1.Action) string     { return words.Enum(a.String(), "ACTION_") }
func outcomeWord(o v1.Outcome) string   { return words.Enum(o.String(), "OUTCOME_") }
func modeWord(m v1.AccessMode) string   { return words.Enum(m.String(), "ACCESS_MODE_") }
func readerWord(t v1.ReaderType) string { return words.Enum(t.String(), "READER_TYPE_") }
func failed(o v1.Outcome) bool          { return o > v1.Outcome_OUTCOME_SUCCESS }

// number writes a number with thin groups, as people read it: 1 234 567.
func number(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var out strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			out.WriteRune('\u202f') // narrow and without a break
		}
		out.WriteRune(d)
	}
	return out.String()
}

// count writes a number and what it counts.
func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// sentence makes a message of the API one: it begins with a capital and ends with a full stop.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	text = string(unicode.ToUpper(first)) + text[size:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}

// clock tells times in the zone of an answer.
type clock struct{ zone *time.Location }

func (c *Console) clockOf(h *v1.AnswerHeader) clock {
	if zone, err := time.LoadLocation(h.GetTimeZone()); err == nil && h.GetTimeZone() != "" {
		return clock{zone}
	}
	return clock{c.cfg.TimeZone}
}

// moment is a time for people, with its zone, and for machines.
type moment struct{ Machine, Day, Time, Zone string }

// at is nil for a time that was not stated.
func (c clock) at(us int64) *moment {
	if us == 0 {
		return nil
	}
	t := time.UnixMicro(us).In(c.zone)
	return &moment{
		Machine: t.Format(time.RFC3339Nano), Day: t.Format("Mon 2006-01-02"), Time: t.Format("15:04:05"), Zone: t.Format("MST"),
	}
}

// String is the moment in a sentence.
func (m *moment) String() string {
	if m == nil {
		return ""
	}
	return m.Day + " " + m.Time + " " + m.Zone
}

// id writes an identifier as the API reads it back.
func id(i *v1.Identifier) string {
	switch {
	case i.GetValue() == "":
		return ""
	case i.GetSystem() == "":
		return i.GetValue()
	}
	return i.GetSystem() + "|" + i.GetValue()
}

// bytesWord writes a size: "14 KiB".
func bytesWord(n uint64) string {
	const unit = 1024
	if n < unit {
		return count(n, "byte", "bytes")
	}
	size, units := float64(n)/unit, "KMGTPE"
	for size >= unit && len(units) > 1 {
		size, units = size/unit, units[1:]
	}
	digits := 1
	if size >= 10 {
		digits = 0
	}
	return strconv.FormatFloat(size, 'f', digits, 64) + " " + units[:1] + "iB"
}

// spanWord writes a stretch of time in its largest unit: "3 days", "40 s".
func spanWord(d time.Duration) string {
	switch {
	case d < time.Second:
		return "less than a second"
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}
