package words_test

import (
	"testing"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestEveryReasonHasAWord: a reason that the schema gets is not told as "explained" alone, and no two are told alike.
func TestEveryReasonHasAWord(t *testing.T) {
	told := map[string]v1.Explanation{}
	for n := range v1.Explanation_name {
		e := v1.Explanation(n)
		text := words.Reason(&v1.Access{Verdict: v1.Verdict_VERDICT_EXPLAINED, Explanation: e})
		if (text == "explained") != (e == v1.Explanation_EXPLANATION_UNSPECIFIED) {
			t.Errorf("%s is told as %q", e, text)
		}
		if other, ok := told[text]; ok {
			t.Errorf("%s and %s are told as %q", e, other, text)
		}
		told[text] = e
	}
}

// TestWhatIsNotFinalSaysSo: a verdict on the open day is no verdict to act on.
func TestWhatIsNotFinalSaysSo(t *testing.T) {
	for _, tt := range []struct {
		verdict  v1.Verdict
		standing v1.Standing
		want     string
	}{
		{v1.Verdict_VERDICT_UNSPECIFIED, v1.Standing_STANDING_UNSPECIFIED, ""},
		{v1.Verdict_VERDICT_UNEXPLAINED, v1.Standing_STANDING_FINAL, "no reason found"},
		{v1.Verdict_VERDICT_UNEXPLAINED, v1.Standing_STANDING_PROVISIONAL, "no reason found (provisional)"},
		{v1.Verdict_VERDICT_NOT_ASSESSABLE, v1.Standing_STANDING_PROVISIONAL, "not assessable without care (provisional)"},
	} {
		got := words.Reason(&v1.Access{Verdict: tt.verdict, Standing: tt.standing, Missing: []string{"care", "roster"}})
		if got != tt.want {
			t.Errorf("%s, %s: told as %q, want %q", tt.verdict, tt.standing, got, tt.want)
		}
	}
	const unknown = "not assessable: the reader's department is not known (provisional)"
	if got := words.Reason(&v1.Access{
		Verdict: v1.Verdict_VERDICT_NOT_ASSESSABLE, Standing: v1.Standing_STANDING_PROVISIONAL, Missing: []string{"badges", "consents"},
	}); got != unknown {
		t.Errorf("with care, but without badges: told as %q, want %q", got, unknown)
	}
}

// TestWhatAVersionDid: one that is told because something was withdrawn is no other access.
func TestWhatAVersionDid(t *testing.T) {
	const because = "What explained it was withdrawn: takes part in an encounter."
	for want, x := range map[string]*v1.AlertChange{
		"raised": {State: v1.AlertState_ALERT_STATE_RAISED, Shown: true}, "more is known, not shown": {State: v1.AlertState_ALERT_STATE_UPDATED},
		"taken back": {State: v1.AlertState_ALERT_STATE_RETRACTED, Because: "What became known later explains it: charted."},
		"told again": {State: v1.AlertState_ALERT_STATE_UPDATED, Shown: true, Because: because}, "told again, not shown": {State: v1.AlertState_ALERT_STATE_UPDATED, Because: because},
	} {
		if got := words.Change(x); got != want {
			t.Errorf("%v is %q, want %q", x, got, want)
		}
	}
}
