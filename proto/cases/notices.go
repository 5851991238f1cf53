package cases

import (
	"cmp"
	"slices"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// calendarDays is how long 45 CFR 164.404(b), 164.406(b), 164.408 and 164.410(b) give.
	calendarDays = 60
	// californiaDays is how many business days California HSC 1280.15(b) gives.
	californiaDays = 15
	// authorityTime is how long GDPR article 33(1) gives.
	authorityTime = 72 * time.Hour
	// manyPeople is how many concerned make HHS be told with the individuals (164.408(b)); more than mediaPeople in one state, the media
	// (164.406(a)).
	manyPeople, mediaPeople = 500, 500
)

// Notice is one that a case owes, or that was planned or sent.
type Notice struct {
	Rule v1.NoticeRule
	To   string
	// Due is the first moment that is too late, LastDay the last local day on which it is in time, "2006-01-02".
	Due     time.Time
	LastDay string
	// Presumed: nobody has assessed the case, so it counts as a breach until then (45 CFR 164.402(2)).
	Presumed bool
	// Because names the section of the law.
	Because string
	// Told is what people said of it; nil: it follows from the case.
	Told  *v1.CaseNotice
	Asker string
	AtUs  int64

	// delays are those for which it has to wait, delayed the paragraph by which the last of them put it off.
	delays  []Delay
	delayed string
}

// Sent reports whether it left.
func (n Notice) Sent() bool { return n.Told.GetSentUs() != 0 }

// Overdue reports whether it has not left and is too late.
func (n Notice) Overdue(now time.Time) bool { return !n.Sent() && !now.Before(n.Due) }

// Late reports whether it left too late.
func (n Notice) Late() bool { return n.Sent() && !time.UnixMicro(n.Told.SentUs).Before(n.Due) }

// Notices are those that the case owes or that somebody spoke of, by when they are due. Days are those of the zone.
func (s *State) Notices(zone *time.Location) []Notice {
	var out []Notice
	owed := s.owed()
	for _, rule := range owed {
		out = append(out, Notice{Rule: rule, Presumed: s.Assessment == nil})
	}
	for _, t := range s.notices {
		i := slices.IndexFunc(out, func(n Notice) bool { return n.Rule == t.notice.Rule && n.Told == nil })
		if i < 0 || t.notice.Rule == v1.NoticeRule_NOTICE_RULE_OTHER {
			i = len(out)
			out = append(out, Notice{Rule: t.notice.Rule})
		}
		out[i].To, out[i].Told, out[i].Asker, out[i].AtUs = t.notice.To, t.notice, t.asker, t.atUs
	}
	out = slices.DeleteFunc(out, func(n Notice) bool { return n.Told.GetWithdrawn() && !slices.Contains(owed, n.Rule) })
	delays := s.Delays(zone)
	for i := range out {
		s.date(&out[i], zone)
		if waits(out[i].Rule) {
			out[i].delay(delays, zone)
		}
	}
	slices.SortStableFunc(out, func(a, b Notice) int { return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Rule, b.Rule)) })
	return out
}

// owed are the notices that the law wants of the case as it is assessed. Before anybody assessed it, it is presumed a breach; how many
// people it concerns is not known then.
func (s *State) owed() (rules []v1.NoticeRule) {
	a := s.Assessment
	for _, law := range s.Laws {
		if a != nil && s.Concluded(law) != v1.BreachConclusion_BREACH_CONCLUSION_BREACH {
			continue
		}
		switch law {
		case v1.NoticeLaw_NOTICE_LAW_HIPAA:
			rules = append(rules, v1.NoticeRule_NOTICE_RULE_INDIVIDUALS)
			if a != nil {
				rules = append(rules, v1.NoticeRule_NOTICE_RULE_HHS)
			}
			if a.GetMostInOneState() > mediaPeople {
				rules = append(rules, v1.NoticeRule_NOTICE_RULE_MEDIA)
			}
		case v1.NoticeLaw_NOTICE_LAW_CALIFORNIA:
			rules = append(rules, v1.NoticeRule_NOTICE_RULE_CALIFORNIA_DEPARTMENT, v1.NoticeRule_NOTICE_RULE_CALIFORNIA_PATIENTS)
		case v1.NoticeLaw_NOTICE_LAW_GDPR:
			rules = append(rules, v1.NoticeRule_NOTICE_RULE_AUTHORITY)
		}
	}
	return rules
}

// date says when a notice is due.
func (s *State) date(n *Notice, zone *time.Location) {
	discovered := time.UnixMicro(s.DiscoveredUs).In(zone)
	day := dateOf(discovered)
	switch n.Rule {
	case v1.NoticeRule_NOTICE_RULE_INDIVIDUALS:
		n.Because, day = "45 CFR 164.404(b)", day.AddDate(0, 0, calendarDays)
	case v1.NoticeRule_NOTICE_RULE_MEDIA:
		n.Because, day = "45 CFR 164.406(b)", day.AddDate(0, 0, calendarDays)
	case v1.NoticeRule_NOTICE_RULE_COVERED_ENTITY:
		n.Because, day = "45 CFR 164.410(b)", day.AddDate(0, 0, calendarDays)
	case v1.NoticeRule_NOTICE_RULE_HHS:
		// Not known how many: the earlier date.
		if a := s.Assessment; a != nil && a.People < manyPeople && n.Told.GetPeople() < manyPeople {
			n.Because, day = "45 CFR 164.408(c)", time.Date(day.Year(), time.December, 31+calendarDays, 0, 0, 0, 0, time.UTC)
		} else {
			n.Because, day = "45 CFR 164.408(b)", day.AddDate(0, 0, calendarDays)
		}
	case v1.NoticeRule_NOTICE_RULE_CALIFORNIA_DEPARTMENT, v1.NoticeRule_NOTICE_RULE_CALIFORNIA_PATIENTS:
		n.Because, day = "California HSC 1280.15(b)", businessDays(day, californiaDays)
	case v1.NoticeRule_NOTICE_RULE_AUTHORITY:
		n.Because, n.Due = "GDPR article 33(1)", discovered.Add(authorityTime)
		n.LastDay = n.Due.Format(time.DateOnly)
		return
	default:
		n.Because, n.Due = "another rule", time.UnixMicro(n.Told.GetDueUs()).In(zone)
		n.LastDay = n.Due.Add(-time.Microsecond).Format(time.DateOnly)
		return
	}
	n.LastDay = day.Format(time.DateOnly)
	n.Due = time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, zone)
}

// dateOf is the local day of a moment, as a date that knows no clock changes.
func dateOf(at time.Time) time.Time {
	return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
}

// businessDays is the day that is n weekdays after another. Holidays count as business days, so that what it says is never too late.
func businessDays(day time.Time, n int) time.Time {
	for n > 0 {
		day = day.AddDate(0, 0, 1)
		if w := day.Weekday(); w != time.Saturday && w != time.Sunday {
			n--
		}
	}
	return day
}
