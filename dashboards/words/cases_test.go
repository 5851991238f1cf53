package words_test

import (
	"strings"
	"testing"

	"github.com/readtrail/readtrail/dashboards/words"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestWhoWasAskedAnswersInTheirOwnWords: whatever their role, for every role may be asked (ADR 23); what somebody else set down is not
// theirs, and where it is not told who was asked or who answered, nothing is said of it.
func TestWhoWasAskedAnswersInTheirOwnWords(t *testing.T) {
	asked := func(question uint32, to string) *v1.CaseStep {
		return &v1.CaseStep{Entry: &v1.CaseEntry{Asker: "os:ada", Body: &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{Question: question, To: to}}}}
	}
	for _, role := range proto.Roles() {
		for _, tt := range []struct {
			to, asker string
			own       bool
		}{
			{"oidc:jo", "oidc:jo", true},
			{"oidc:jo", "oidc:other", false}, // asked in the case, but another question
			{"oidc:jo", "os:ada", false},
			{"", "os:ada", false},
			{"reader ABCDEFGH", "", false}, // as a viewer is told
			{"", "", false},
		} {
			answer := &v1.CaseStep{Entry: &v1.CaseEntry{Asker: tt.asker, Role: role, Body: &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: 2, Text: "x"}}}}
			steps := []*v1.CaseStep{asked(1, "oidc:other"), asked(2, tt.to), answer}
			if text := words.CaseStep(answer, steps); strings.Contains(text, "in their own words") != tt.own || !strings.HasPrefix(text, "answer to question 2") {
				t.Errorf("put to %q, answered by %q (%s): %q", tt.to, tt.asker, role, text)
			}
		}
	}
}
