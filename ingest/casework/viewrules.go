package casework

import (
	"errors"
	"strings"
	"time"

	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/views"
)

const (
	// maxViewName is the longest name of a view, in characters (view.proto).
	maxViewName = 100
	// maxViewText bounds each text of a question in bytes: the API takes no longer identifier.
	maxViewText = 2000
	// maxViewBytes bounds a question as it is kept: five long identifiers, or the events of a scope by their positions.
	maxViewBytes = 16 << 10
	// maxViewList bounds each list of a question: verdicts, dispositions and states are fewer, events of a scope are ids of 27 characters.
	maxViewList = 500
	// maxChance is a chance of one, in per mille.
	maxChance = 1000
)

// checkView refuses what can be refused without looking at the views that there are. The id is zero for a new one.
func checkView(m *v1.SaveViewRequest) (id proto.EventID, err error) {
	if fresh := m.View == ""; fresh != (m.Version == 0) {
		return id, invalid("version", "0 for a new view, else the version that you looked at")
	}
	if m.Version > maxVersion {
		return id, invalid("version", "the view has no such version")
	}
	if m.View != "" {
		if id, err = proto.ParseEventID(m.View); err != nil {
			return id, invalid("view", "an id of 27 characters, as the list of views shows it")
		}
	}
	if err := checkLine("name", strings.TrimSpace(m.Name), 1, maxViewName); err != nil {
		return id, err
	}
	if m.Question == nil {
		if m.View == "" {
			return id, invalid("question", "what the view asks")
		}
		return id, nil
	}
	return id, errors.Join(checkViewQuestion(m.Question), checkViewName(m.Name, m.Question))
}

// checkViewName refuses a name that tells whom the view is about: names stand in menus, which nobody states a purpose for.
func checkViewName(name string, q *v1.ViewQuestion) error {
	name = strings.ToLower(name)
	for _, text := range views.Subjects(q) {
		value := text[max(strings.LastIndexByte(text, '|'), strings.LastIndexByte(text, '/'))+1:]
		if value != "" && strings.Contains(name, strings.ToLower(value)) {
			return invalid("name", "it shows in menus: leave out whom the view is about")
		}
	}
	return nil
}

// checkViewQuestion refuses a question that no page asks, or that could not be kept.
func checkViewQuestion(q *v1.ViewQuestion) error {
	if views.PageOf(q) == v1.ViewPage_VIEW_PAGE_UNSPECIFIED {
		return invalid("question", "the page that it is of")
	}
	if protobuf.Size(q) > maxViewBytes {
		return invalid("question", "at most 16 KiB")
	}
	if err := checkTexts(q.ProtoReflect()); err != nil {
		return err
	}
	if err := checkZone(q.TimeZone); err != nil {
		return err
	}
	if err := checkWindow(q); err != nil {
		return err
	}
	switch page := q.Page.(type) {
	case *v1.ViewQuestion_Record:
		return required("question.record.patient", page.Record.GetPatient())
	case *v1.ViewQuestion_Reader:
		return required("question.reader.reader", page.Reader.GetReader())
	case *v1.ViewQuestion_Search:
		return checkSearchView(page.Search)
	case *v1.ViewQuestion_Scope:
		return checkScopeView(page.Scope, q.Window)
	case *v1.ViewQuestion_Alerts:
		if page.Alerts.GetChance() > maxChance {
			return invalid("question.alerts.chance", "in per mille, at most 1000")
		}
		return knownNumber("question.alerts.scope", page.Alerts.GetScope(), v1.AlertScope_name)
	case *v1.ViewQuestion_Cases:
		c := page.Cases
		if c.GetMine() && c.GetAssignee() != "" {
			return invalid("question.cases.assignee", "nobody, where the view is of those that whoever opens it has")
		}
		if c.GetDueWithinDays() > views.MaxDays {
			return invalid("question.cases.due_within_days", "at most 3660 days")
		}
		return knownNumber("question.cases.status", c.GetStatus(), v1.CaseStatus_name)
	}
	return nil
}

// checkSearchView wants one condition, as the search does.
func checkSearchView(s *v1.ViewOfSearch) error {
	bare, _ := protobuf.Clone(s).(*v1.ViewOfSearch)
	bare.Verdicts = nil
	if protobuf.Size(bare) == 0 {
		return invalid("question.search", "at least one condition besides the time and the verdicts")
	}
	return nil
}

// checkScopeView wants what a scope wants; its times are the window's.
func checkScopeView(s *v1.ScopeQuery, w *v1.ViewWindow) error {
	if s.GetFromUs() != 0 || s.GetUntilUs() != 0 {
		return invalid("question.scope", "its times are the window's")
	}
	if protobuf.Size(s) == 0 && w.GetLastDays() == 0 && (w.GetFromUs() == 0 || w.GetUntilUs() == 0) {
		return invalid("question.scope", "at least one condition besides the time, or both times")
	}
	return nil
}

func checkWindow(q *v1.ViewQuestion) error {
	w := q.Window
	switch {
	case q.GetCases() != nil && protobuf.Size(w) > 0:
		return invalid("question.window", "cases have none: say within how many days something is due")
	case w.GetLastDays() > views.MaxDays:
		return invalid("question.window.last_days", "at most 3660 days")
	case w.GetLastDays() > 0 && (w.GetFromUs() != 0 || w.GetUntilUs() != 0):
		return invalid("question.window", "either the last days, or fixed times")
	case w.GetFromUs() < 0 || w.GetUntilUs() < 0:
		return invalid("question.window", "times since 1970")
	case w.GetUntilUs() != 0 && w.GetFromUs() >= w.GetUntilUs():
		return invalid("question.window", "it ends before it begins")
	}
	return nil
}

func checkZone(name string) error {
	if name == "" {
		return nil
	}
	if _, err := time.LoadLocation(name); err != nil || name == "Local" || len(name) > 64 {
		return invalid("question.time_zone", "an IANA name such as Europe/Vienna")
	}
	return nil
}

// checkTexts refuses texts of a question that are no plain ones or too long, and values of enumerations that nobody knows.
func checkTexts(m protoreflect.Message) (err error) {
	m.Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		one := func(x protoreflect.Value) error { return checkValue(f, x) }
		if !f.IsList() {
			err = one(value)
			return err == nil
		}
		if value.List().Len() > maxViewList {
			err = invalid("question", "at most 500 of a kind")
		}
		for i := 0; i < value.List().Len() && err == nil; i++ {
			err = one(value.List().Get(i))
		}
		return err == nil
	})
	if err == nil && len(m.GetUnknown()) > 0 {
		return invalid("question", "it has a field that this server does not know")
	}
	return err
}

func checkValue(f protoreflect.FieldDescriptor, x protoreflect.Value) error {
	name := string(f.Name())
	switch {
	case f.Message() != nil:
		return checkTexts(x.Message())
	case f.Enum() != nil && f.Enum().Values().ByNumber(x.Enum()) == nil:
		return invalid("question."+name, "unknown")
	case f.Kind() == protoreflect.StringKind:
		if len(x.String()) > maxViewText {
			return invalid("question."+name, "at most 2000 bytes")
		}
		return checkLine("question."+name, x.String(), 0, maxViewText)
	}
	return nil
}

func required(field, text string) error {
	if strings.TrimSpace(text) == "" {
		return invalid(field, "is required")
	}
	return nil
}

func knownNumber(field string, n uint32, names map[int32]string) error {
	if n > uint32(len(names)) || names[int32(n)] == "" {
		return invalid(field, "unknown")
	}
	return nil
}
