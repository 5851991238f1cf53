package cases

import (
	"cmp"
	"slices"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// oralDays is how long notices wait for an oral statement at most (45 CFR 164.412(b)).
const oralDays = 30

// Delay is a time for which the notices of 45 CFR 164.404 to 164.410 must wait, because a law-enforcement official so stated (164.412).
type Delay struct {
	// From is when it was stated; Until is the first moment at which notices may be sent.
	From, Until time.Time
	Statement   v1.DelayStatement
	Ground      v1.DelayGround
	// Step is the number of the step that set it down.
	Step uint32
}

// holds reports whether notices must wait at a moment.
func (d Delay) holds(at time.Time) bool { return !at.Before(d.From) && at.Before(d.Until) }

func (d Delay) empty() bool { return !d.Until.After(d.From) }

func (d Delay) oral() bool { return d.Statement == v1.DelayStatement_DELAY_STATEMENT_ORAL }

// because is the paragraph that it rests on.
func (d Delay) because() string {
	if d.oral() {
		return "164.412(b)"
	}
	return "164.412(a)"
}

// stated is a statement of law enforcement and the number of its step.
type stated struct {
	body *v1.CaseDelayed
	step uint32
}

// Delays are those that stand, by when they were stated. Days are those of the zone.
func (s *State) Delays(zone *time.Location) (out []Delay) {
	for _, x := range s.stated {
		from := time.UnixMicro(x.body.StatedUs).In(zone)
		d := Delay{From: from, Until: time.UnixMicro(x.body.UntilUs).In(zone), Statement: x.body.Statement, Ground: x.body.Ground, Step: x.step}
		switch {
		case d.Statement == v1.DelayStatement_DELAY_STATEMENT_LIFTED:
			out = lifted(out, from)
			continue
		case d.oral() && x.body.UntilUs == 0:
			d.Until = thirtieth(from)
		}
		out = append(out, d)
		out = shortenOral(out)
	}
	slices.SortStableFunc(out, func(a, b Delay) int { return cmp.Or(a.From.Compare(b.From), a.Until.Compare(b.Until)) })
	return out
}

// lifted are the delays as they stand when notices may be sent from a moment on.
func lifted(all []Delay, at time.Time) []Delay {
	for i := range all {
		if all[i].Until.After(at) {
			all[i].Until = at
		}
	}
	return slices.DeleteFunc(all, Delay.empty)
}

// shortenOral has no oral statement hold beyond the 30th day after the first that stands: one repeated gives no more time.
func shortenOral(all []Delay) []Delay {
	var first time.Time
	for _, d := range all {
		if d.oral() && (first.IsZero() || d.From.Before(first)) {
			first = d.From
		}
	}
	most := thirtieth(first)
	for i := range all {
		if all[i].oral() && all[i].Until.After(most) {
			all[i].Until = most
		}
	}
	return slices.DeleteFunc(all, Delay.empty)
}

// thirtieth is the first moment of the 30th day after a day.
func thirtieth(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day()+oralDays, 0, 0, 0, 0, day.Location())
}

// Oral reports whether an oral statement stands, whether its time is over or not.
func (s *State) Oral() bool { return slices.ContainsFunc(s.Delays(time.UTC), Delay.oral) }

// waits reports whether a law-enforcement official can have a notice wait by 45 CFR 164.412, which is of its own subpart alone. Other laws
// have their own rules for it.
func waits(rule v1.NoticeRule) bool {
	switch rule {
	case v1.NoticeRule_NOTICE_RULE_INDIVIDUALS, v1.NoticeRule_NOTICE_RULE_HHS, v1.NoticeRule_NOTICE_RULE_MEDIA, v1.NoticeRule_NOTICE_RULE_COVERED_ENTITY:
		return true
	}
	return false
}

// delay puts off when a notice is too late. The 60 days run on while it waits: nothing in 164.412 stops them, and what is told here must
// not be too late by any reading. Where they end during a delay, the notice is due on the first day on which it may be sent (ADR 26). A
// delay that was stated when it was too late already excuses nothing.
func (n *Notice) delay(all []Delay, zone *time.Location) {
	n.delays = all
	for _, d := range all {
		day := d.Until.In(zone)
		due := time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone)
		if d.From.Before(n.Due) && due.After(n.Due) {
			n.Due, n.LastDay, n.delayed = due, day.Format(time.DateOnly), d.because()
		}
	}
	if n.delayed != "" {
		n.Because += ", delayed by " + n.delayed
	}
}

// Waits is the delay for which an unsent notice must wait at a moment, until all that follow each other are over; false: it may be sent.
func (n Notice) Waits(now time.Time) (d Delay, ok bool) {
	if n.Sent() {
		return d, false
	}
	for at := now; ; at = d.Until {
		i := slices.IndexFunc(n.delays, func(x Delay) bool { return x.holds(at) })
		if i < 0 {
			return d, ok
		}
		d, ok = n.delays[i], true
	}
}

// SentInDelay reports whether it left while it had to wait.
func (n Notice) SentInDelay() bool {
	return n.Sent() && slices.ContainsFunc(n.delays, func(d Delay) bool { return d.holds(time.UnixMicro(n.Told.SentUs)) })
}
