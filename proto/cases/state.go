package cases

import (
	"slices"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Step is one entry of a case, and where it stands in the journal.
type Step struct {
	Position proto.Position
	Entry    *v1.CaseEntry
}

// Question is what a respondent was asked, and what they stated; Answer is nil until then.
type Question struct {
	Asked  *v1.CaseAsked
	Answer *v1.CaseAnswered
}

// State is what a case is after its steps. The zero State is no case: Version is 0.
type State struct {
	ID proto.EventID
	// Version is the number of the last step that counts, Steps are those that do, oldest first.
	Version uint32
	Steps   []Step

	Title, Reference, Assignee string
	OpenedBy                   string
	OpenedUs, ChangedUs        int64
	// ClosedUs is 0 while the case is open.
	ClosedUs     int64
	DiscoveredUs int64
	Laws         []v1.NoticeLaw
	// Alerts are those of the case, in the order in which they were added; Ever also those that were taken away.
	Alerts, Ever []proto.EventID
	Questions    []Question
	// Assessment is the latest; nil: none. Assessments is how many there were.
	Assessment  *v1.BreachAssessed
	Assessments uint32
	// Outcome is nil until the case is concluded.
	Outcome *v1.CaseConcluded
	Held    bool

	notices []told
	stated  []stated
}

// told is what was last said of a notice.
type told struct {
	notice *v1.CaseNotice
	asker  string
	atUs   int64
}

// Fold returns what a case is after some steps, in the order of the journal.
func Fold(steps []Step) *State {
	s := &State{}
	for _, step := range steps {
		s.Apply(step)
	}
	return s
}

// Exists reports whether the case was opened.
func (s *State) Exists() bool { return s.Version > 0 }

// Open reports whether it was opened and is not closed.
func (s *State) Open() bool { return s.Exists() && s.ClosedUs == 0 }

// Apply adds one step. A step whose number is not the next one does not count: somebody else was faster. Nor does a first one that
// opens nothing.
func (s *State) Apply(step Step) bool {
	e := step.Entry
	opened := e.GetOpened()
	if e.GetVersion() != s.Version+1 || (opened != nil) != (s.Version == 0) {
		return false
	}
	if opened != nil {
		id, err := proto.EventIDFromBytes(e.CaseId)
		if err != nil {
			return false
		}
		s.ID, s.OpenedBy, s.OpenedUs = id, e.Asker, e.AtUs
		s.Title, s.Reference, s.Assignee = opened.Title, opened.Reference, opened.Assignee
		s.Alerts, s.Ever = nil, nil
		s.add(opened.Alerts)
		s.discovered(opened.DiscoveredUs, opened.Laws)
		if len(s.Laws) == 0 {
			s.Laws = []v1.NoticeLaw{v1.NoticeLaw_NOTICE_LAW_HIPAA}
		}
	}
	s.Version, s.ChangedUs = e.Version, e.AtUs
	s.Steps = append(s.Steps, step)
	s.apply(e)
	return true
}

// apply is what a step after the first changes.
func (s *State) apply(e *v1.CaseEntry) {
	switch body := e.Body.(type) {
	case *v1.CaseEntry_Alerts:
		s.add(body.Alerts.Added)
		s.Alerts = slices.DeleteFunc(s.Alerts, func(id proto.EventID) bool {
			return slices.ContainsFunc(body.Alerts.Removed, func(b []byte) bool { return string(b) == string(id[:]) })
		})
	case *v1.CaseEntry_Assigned:
		s.Assignee = body.Assigned.Assignee
	case *v1.CaseEntry_Asked:
		s.Questions = append(s.Questions, Question{Asked: body.Asked})
	case *v1.CaseEntry_Answered:
		if i := int(body.Answered.Question) - 1; i >= 0 && i < len(s.Questions) {
			s.Questions[i].Answer = body.Answered
		}
	case *v1.CaseEntry_Assessed:
		s.Assessment = body.Assessed
		s.Assessments++
		s.discovered(body.Assessed.DiscoveredUs, body.Assessed.Laws)
	case *v1.CaseEntry_Concluded:
		s.Outcome = body.Concluded
	case *v1.CaseEntry_Notice:
		s.tell(told{body.Notice, e.Asker, e.AtUs})
	case *v1.CaseEntry_Held:
		s.Held = body.Held.Held
	case *v1.CaseEntry_Delayed:
		s.stated = append(s.stated, stated{body.Delayed, e.Version})
	case *v1.CaseEntry_Closed:
		s.ClosedUs = e.AtUs
	case *v1.CaseEntry_Reopened:
		s.ClosedUs = 0
	}
}

func (s *State) add(alerts [][]byte) {
	for _, b := range alerts {
		id, err := proto.EventIDFromBytes(b)
		if err != nil {
			continue
		}
		if !slices.Contains(s.Alerts, id) {
			s.Alerts = append(s.Alerts, id)
		}
		if !slices.Contains(s.Ever, id) {
			s.Ever = append(s.Ever, id)
		}
	}
}

func (s *State) discovered(us int64, laws []v1.NoticeLaw) {
	if us != 0 {
		s.DiscoveredUs = us
	}
	if len(laws) > 0 {
		s.Laws = laws
	}
}

// tell keeps what was said of a notice in the place of what was said of it before.
func (s *State) tell(t told) {
	same := func(x told) bool { return SameNotice(x.notice, t.notice) }
	if i := slices.IndexFunc(s.notices, same); i >= 0 {
		s.notices[i] = t
		return
	}
	s.notices = append(s.notices, t)
}

// SameNotice reports whether two speak of one notice: one of another rule stands by its recipient.
func SameNotice(a, b *v1.CaseNotice) bool {
	return a.Rule == b.Rule && (a.Rule != v1.NoticeRule_NOTICE_RULE_OTHER || a.To == b.To)
}

// Unanswered is how many questions wait for a statement.
func (s *State) Unanswered() (n uint32) {
	for _, q := range s.Questions {
		if q.Answer == nil {
			n++
		}
	}
	return n
}

// Concluded is what the latest assessment comes to under a law; unspecified: there is none, and the case counts as a breach.
func (s *State) Concluded(law v1.NoticeLaw) v1.BreachConclusion {
	for _, by := range s.Assessment.GetByLaw() {
		if by.GetLaw() == law {
			return by.GetConclusion()
		}
	}
	return s.Assessment.GetConclusion()
}

// StepID is the id of a step: it follows from the case and the number, so that the journal itself tells a retry, and two who claim one
// number, from a new step.
func StepID(id proto.EventID, version uint32) proto.EventID {
	key := append(id.Bytes(), byte(version>>24), byte(version>>16), byte(version>>8), byte(version))
	return proto.NewEventID(proto.EventIdentity{Source: proto.OwnSource, Observer: "case", Key: key, Recorded: id.Time()})
}
