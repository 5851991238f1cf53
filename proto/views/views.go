// Package views says what a saved view is: which page it is of, and what it asks at a moment. Commands and answers both use it.
package views

import (
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// MaxDays bounds a window that goes with the day: ten years.
const MaxDays = 3660

// View is a saved view at its latest version, and where that stands in the journal.
type View struct {
	Position proto.Position
	Entry    *v1.ViewEntry
}

// EntryID is the id of a version of a view: it follows from the view and the number, so that the journal itself tells a retry, and two who
// claim one number, from a new version.
func EntryID(id proto.EventID, version uint32) proto.EventID {
	key := append(id.Bytes(), byte(version>>24), byte(version>>16), byte(version>>8), byte(version))
	return proto.NewEventID(proto.EventIdentity{Source: proto.OwnSource, Observer: "view", Key: key, Recorded: id.Time()})
}

// PageOf is the page that a question is of; none: it asks nothing.
func PageOf(q *v1.ViewQuestion) v1.ViewPage {
	switch q.GetPage().(type) {
	case *v1.ViewQuestion_Record:
		return v1.ViewPage_VIEW_PAGE_RECORD
	case *v1.ViewQuestion_Reader:
		return v1.ViewPage_VIEW_PAGE_READER
	case *v1.ViewQuestion_Search:
		return v1.ViewPage_VIEW_PAGE_SEARCH
	case *v1.ViewQuestion_Scope:
		return v1.ViewPage_VIEW_PAGE_SCOPE
	case *v1.ViewQuestion_Alerts:
		return v1.ViewPage_VIEW_PAGE_ALERTS
	case *v1.ViewQuestion_Cases:
		return v1.ViewPage_VIEW_PAGE_CASES
	}
	return v1.ViewPage_VIEW_PAGE_UNSPECIFIED
}

// NamesNobody reports whether what a view of a page asks can be told to everybody who may ask, without a purpose.
func NamesNobody(page v1.ViewPage) bool {
	return page == v1.ViewPage_VIEW_PAGE_ALERTS || page == v1.ViewPage_VIEW_PAGE_CASES
}

// Subjects are the texts by which a question names a patient, a reader or an account.
func Subjects(q *v1.ViewQuestion) (out []string) {
	for _, text := range []string{q.GetRecord().GetPatient(), q.GetReader().GetReader(), q.GetScope().GetReader(), q.GetScope().GetAccount()} {
		if text != "" {
			out = append(out, text)
		}
	}
	return out
}

// Times are what a question's window comes to at a moment, in the form that its page takes.
type Times struct {
	// From and Until are half-open, in microseconds; 0: unbounded.
	From, Until int64
	// FromDay and ToDay are days of a list of alerts, both included; empty: unbounded.
	FromDay, ToDay string
	// DueBefore is of a list of cases; 0: any.
	DueBefore int64
}

// TimesAt are the times of a question when it is asked now. Days are those of its own time zone, else of the site's; alerts have the
// site's always.
func TimesAt(q *v1.ViewQuestion, now time.Time, site *time.Location) Times {
	if c := q.GetCases(); c != nil {
		if c.DueWithinDays == 0 {
			return Times{}
		}
		return Times{DueBefore: startOfDay(now.In(site)).AddDate(0, 0, int(c.DueWithinDays)+1).UnixMicro()}
	}
	zone := site
	if q.GetAlerts() == nil && q.GetTimeZone() != "" {
		if own, err := time.LoadLocation(q.GetTimeZone()); err == nil { // a zone that is no longer known is told by the question itself
			zone = own
		}
	}
	w := q.GetWindow()
	t := Times{From: w.GetFromUs(), Until: w.GetUntilUs()}
	if n := int(w.GetLastDays()); n > 0 {
		today := startOfDay(now.In(zone))
		t.From, t.Until = today.AddDate(0, 0, 1-n).UnixMicro(), today.AddDate(0, 0, 1).UnixMicro()
	}
	if q.GetAlerts() == nil {
		return t
	}
	days := Times{}
	if t.From != 0 {
		days.FromDay = time.UnixMicro(t.From).In(site).Format(time.DateOnly)
	}
	if t.Until != 0 { // the day of the last moment that is in it
		days.ToDay = time.UnixMicro(t.Until - 1).In(site).Format(time.DateOnly)
	}
	return days
}

// startOfDay is when a local day begins: midnight, or the first moment after it where clocks are set forward over it.
func startOfDay(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
}
