package console

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// maxLanes is how many lines of a timeline are told apart; the others share one.
const maxLanes = 12

// timeline is accesses over time, a line for each reader or record. Each line says in words and numbers what it draws.
type timeline struct {
	Lanes []*lane
	// Axis are the marks below, each a share of the width.
	Axis []axisMark
	// Cited and All count accesses; Bounded says that there are more than are drawn.
	Cited, All uint64
	Bounded    bool
	Label      string
	// Days are the day, or the first and the last day, of which it is.
	Days string

	at          clock
	from, until time.Time
	byWho       map[string]*lane
}

type lane struct {
	Who    person
	Detail string
	Marks  []laneMark
	// Cited are those that the alert rests on, Unexplained those without a known reason.
	Count, Cited, Unexplained uint64
	Span                      string
	first, last               int64
}

type laneMark struct{ X, Kind, Title string }

type axisMark struct{ X, Text string }

func newTimeline(at clock, from, until time.Time) *timeline {
	const form = "Mon 2006-01-02"
	days := from.Format(form)
	if last := until.AddDate(0, 0, -1); last.After(from) {
		days += " to " + last.Format(form)
	}
	return &timeline{at: at, from: from, until: until, Days: days, byWho: map[string]*lane{}}
}

// add takes an access into the line of who it was, or whose record.
func (t *timeline) add(who person, detail string, a *v1.Access, cited bool) {
	key := who.Path + "\x00" + who.Name + "\x00" + who.ID
	l := t.byWho[key]
	if l == nil {
		l = &lane{Who: who, Detail: detail}
		t.byWho[key] = l
		t.Lanes = append(t.Lanes, l)
	}
	moment := t.at.at(a.OccurredUs)
	m := laneMark{X: t.place(a.OccurredUs), Kind: "other", Title: moment.String() + " " + actionText(a)}
	l.Count, t.All = l.Count+1, t.All+1
	if a.Verdict == v1.Verdict_VERDICT_UNEXPLAINED {
		l.Unexplained++
	}
	if cited {
		m.Kind, m.Title = "cited", m.Title+", of this alert"
		l.Cited, t.Cited = l.Cited+1, t.Cited+1
	}
	l.Marks = append(l.Marks, m)
	if l.first == 0 || a.OccurredUs < l.first {
		l.first = a.OccurredUs
	}
	l.last = max(l.last, a.OccurredUs)
}

// place is where a time stands, in thousandths of the width.
func (t *timeline) place(us int64) string {
	whole := t.until.Sub(t.from).Seconds()
	return fmt.Sprintf("%.1f", 1000*min(max(time.UnixMicro(us).Sub(t.from).Seconds()/whole, 0), 1))
}

// draw orders the lines, those of the alert first, and puts the axis below; nil when there is nothing to draw.
func (t *timeline) draw(bounded bool) *timeline {
	if t.All == 0 {
		return nil
	}
	slices.SortStableFunc(t.Lanes, func(a, b *lane) int {
		nobody := func(l *lane) int { return map[bool]int{true: 1}[l.Who.Path == ""] }
		return cmp.Or(cmp.Compare(b.Cited, a.Cited), cmp.Compare(nobody(a), nobody(b)), cmp.Compare(b.Unexplained, a.Unexplained), cmp.Compare(a.first, b.first))
	})
	if len(t.Lanes) > maxLanes {
		rest := &lane{Who: person{Name: fmt.Sprintf("%d more", len(t.Lanes)-maxLanes+1)}}
		for _, l := range t.Lanes[maxLanes-1:] {
			rest.Marks = append(rest.Marks, l.Marks...)
			rest.Count, rest.Cited, rest.Unexplained = rest.Count+l.Count, rest.Cited+l.Cited, rest.Unexplained+l.Unexplained
			if rest.first == 0 || l.first < rest.first {
				rest.first = l.first
			}
			rest.last = max(rest.last, l.last)
		}
		t.Lanes = append(t.Lanes[:maxLanes-1:maxLanes-1], rest)
	}
	days := int(t.until.Sub(t.from).Hours()+12) / 24
	for _, l := range t.Lanes {
		// What the alert rests on is drawn last, above the others.
		slices.SortStableFunc(l.Marks, func(a, b laneMark) int { return cmp.Compare(b.Kind, a.Kind) })
		l.Span = t.span(l, days)
	}
	t.axis(days)
	t.Bounded = bounded
	t.Label = fmt.Sprintf("%s, %s of them of this alert", count(t.All, "access", "accesses"), number(t.Cited))
	return t
}

// span says from when to when a line goes.
func (t *timeline) span(l *lane, days int) string {
	layout := "15:04"
	if days > 1 {
		layout = "Mon 15:04"
	}
	from, to := time.UnixMicro(l.first).In(t.at.zone).Format(layout), time.UnixMicro(l.last).In(t.at.zone).Format(layout)
	if from == to {
		return from
	}
	return from + " to " + to
}

func (t *timeline) axis(days int) {
	if days <= 1 {
		for _, hour := range []int{0, 6, 12, 18} {
			h := time.Date(t.from.Year(), t.from.Month(), t.from.Day(), hour, 0, 0, 0, t.at.zone)
			t.Axis = append(t.Axis, axisMark{t.place(h.UnixMicro()), h.Format("15:04")})
		}
		return
	}
	for d := t.from; d.Before(t.until); d = d.AddDate(0, 0, 1) {
		t.Axis = append(t.Axis, axisMark{t.place(d.UnixMicro()), d.Format("Mon 2")})
	}
}
