package console

import (
	"net/http"
	"strings"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	timing "github.com/readtrail/readtrail/proto/views"
)

// filter is the period of a question, as a form shows it.
type filter struct {
	From, Until, AsOf, Zone string
	// Set is true when the question is bounded.
	Set bool
	// Last says the period that goes with the day, LastDays are the choices of it.
	Last     string
	LastDays []choice
}

const formMinute = "2006-01-02T15:04"

// filterOf writes an ask's times for the form: days in its zone; the last day is part of the period.
func (c *Console) filterOf(a ask) filter {
	zone, err := c.zone(a.Zone)
	if err != nil {
		zone = c.cfg.TimeZone
	}
	f := filter{Zone: zone.String(), Set: a.From != 0 || a.Until != 0 || a.AsOf != 0 || a.Zone != "", LastDays: lastDaysChoices(a.LastDays)}
	if a.LastDays != 0 {
		f.Set, f.Last = true, lastDaysWord(a.LastDays)
		a.From, a.Until = 0, 0
	}
	if a.From != 0 {
		f.From = time.UnixMicro(a.From).In(zone).Format(time.DateOnly)
	}
	if a.Until != 0 {
		f.Until = time.UnixMicro(a.Until).In(zone).AddDate(0, 0, -1).Format(time.DateOnly)
	}
	if a.AsOf != 0 {
		f.AsOf = time.UnixMicro(a.AsOf).In(zone).Format(formMinute)
	}
	return f
}

func (c *Console) zone(name string) (*time.Location, error) {
	if name == "" {
		return c.cfg.TimeZone, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || len(name) > 64 {
		return nil, refusal{http.StatusUnprocessableEntity, "The time zone is not known", "Write an IANA name such as Europe/Vienna."}
	}
	return zone, nil
}

// period reads a form's times into an ask.
func (c *Console) period(v *visit, a *ask) error {
	get := func(name string) string { return strings.TrimSpace(v.r.PostForm.Get(name)) }
	a.From, a.Until, a.AsOf, a.Zone, a.LastDays = 0, 0, 0, get("zone"), lastDaysOf(get("last_days"))
	if a.LastDays != 0 && (get("from") != "" || get("until") != "") {
		return refusal{http.StatusUnprocessableEntity, "Two periods were chosen", "Choose either the last days, or a first and a last day."}
	}
	zone, err := c.zone(a.Zone)
	if err != nil {
		return err
	}
	if zone.String() == c.cfg.TimeZone.String() {
		a.Zone = ""
	}
	for _, f := range []struct {
		name, layout string
		days         int
		to           *int64
	}{{"from", time.DateOnly, 0, &a.From}, {"until", time.DateOnly, 1, &a.Until}, {"as_of", formMinute, 0, &a.AsOf}} {
		text := get(f.name)
		if text == "" {
			continue
		}
		at, err := time.ParseInLocation(f.layout, text, zone)
		if err != nil {
			return refusal{http.StatusUnprocessableEntity, "A date was not understood", "Write days as 2006-01-02, and times as 2006-01-02T15:04."}
		}
		*f.to = at.AddDate(0, 0, f.days).UnixMicro()
	}
	if a.From != 0 && a.Until != 0 && a.From >= a.Until {
		return refusal{http.StatusUnprocessableEntity, "The period ends before it begins", "Choose a last day that is not before the first one."}
	}
	return nil
}

// timed is an ask with the times that its period comes to now.
func (c *Console) timed(a ask, now time.Time) ask {
	if a.LastDays == 0 {
		return a
	}
	t := timing.TimesAt(&v1.ViewQuestion{Window: &v1.ViewWindow{LastDays: a.LastDays}, TimeZone: a.Zone}, now, c.cfg.TimeZone)
	a.From, a.Until = t.From, t.Until
	return a
}

// refine asks the question of a view again with other times.
func (c *Console) refine(v *visit) error {
	if err := v.form(); err != nil {
		return err
	}
	page := strings.Split(v.r.URL.Path, "/")[1]
	x, ok := v.session.views.find(page, v.r.PathValue("handle"))
	if !ok {
		return errNoView
	}
	a := x.ask
	if err := c.period(v, &a); err != nil {
		return err
	}
	switch page {
	case pageProfile:
		a.Group = formGroup(v)
	case pageReaders:
		a.Only = only{Reason: formReason(v)}
	case pageRecords:
		a.Only = only{
			Action: formAction(v), Department: strings.TrimSpace(v.r.PostForm.Get("department")), BreakGlass: v.r.PostForm.Has("break_glass"),
			Failed: v.r.PostForm.Has("failed"), Deliberate: v.r.PostForm.Has("deliberate"), Reason: formReason(v),
		}
	}
	handle, err := v.session.views.open(a, x.purpose)
	if err != nil {
		return err
	}
	v.redirect("/" + page + "/" + handle)
	return nil
}
