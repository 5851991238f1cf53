package api

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"connectrpc.com/connect"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// maxPurpose is the longest purpose, in characters (query.proto).
	maxPurpose = 500
	// maxCondition bounds each condition of a search in bytes: FHIR strings in the fields searched are far shorter.
	maxCondition = 256
	// defaultPage and maxPage are the rows of a page (query.proto).
	defaultPage = 50
	maxPage     = 1000
	// maxFuture is how far a period or as-of time may lie ahead of the clock: a year-end asked for in January is fine.
	maxFuture = 10 * 366 * 24 * time.Hour
)

// period is a stretch of occurred time, half-open, in microseconds; 0 is unbounded.
type period struct{ from, until int64 }

func (p period) holds(occurred int64) bool {
	return (p.from == 0 || occurred >= p.from) && (p.until == 0 || occurred < p.until)
}

// invalid refuses a request. The message names the field and what to do, never what was sent.
func invalid(field, problem string) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("%s: %s", field, problem))
}

// checkPurpose accepts 1 to 500 characters of plain text that say something.
func checkPurpose(purpose string) error {
	switch {
	case strings.TrimSpace(purpose) == "":
		return invalid("purpose", "say why you ask")
	case !utf8.ValidString(purpose) || strings.ContainsFunc(purpose, unicode.IsControl):
		return invalid("purpose", "plain text on one line only")
	case utf8.RuneCountInString(purpose) > maxPurpose:
		return invalid("purpose", "at most 500 characters")
	}
	return nil
}

func checkCondition(field, value string) error {
	switch {
	case len(value) > maxCondition:
		return invalid(field, "at most 256 bytes")
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		return invalid(field, "plain text on one line only")
	}
	return nil
}

func checkPeriod(now time.Time, p period, asOf int64) error {
	limit := now.Add(maxFuture).UnixMicro()
	switch {
	case p.from < 0 || p.until < 0 || p.from > limit || p.until > limit:
		return invalid("from_us", "a time from 1970 to ten years ahead")
	case p.until != 0 && p.from >= p.until:
		return invalid("until_us", "must be later than from_us")
	case asOf < 0 || asOf > limit:
		return invalid("as_of_us", "a time from 1970 to ten years ahead")
	}
	return nil
}

// pageSize returns the number of rows asked for.
func pageSize(p *v1.Page) (int, error) {
	switch n := p.GetSize(); {
	case n == 0:
		return defaultPage, nil
	case n > maxPage:
		return 0, invalid("page.size", "at most 1000 rows")
	default:
		return int(n), nil
	}
}

// zone loads the time zone that days are told in.
func (s *Service) zone(name string) (*time.Location, error) {
	if name == "" {
		return s.cfg.TimeZone, nil
	}
	// "Local" would tell days in the server's own zone, whatever that is.
	if len(name) > 64 || name == "Local" {
		return nil, invalid("time_zone", "an IANA name such as Europe/Vienna")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, invalid("time_zone", "an IANA name such as Europe/Vienna")
	}
	return loc, nil
}

func checkSubject(field, text string) (Subject, error) {
	subject, err := ParseSubject(text)
	if errors.Is(err, ErrSubject) {
		return Subject{}, invalid(field, `write it as "12345", "system|value", "Patient/123" or a URL, up to 2000 bytes`)
	}
	return subject, err
}
