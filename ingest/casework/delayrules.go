package casework

import (
	"errors"
	"time"

	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// oralDelay is how long an oral statement has notices wait at most (45 CFR 164.412(b)), with an hour for a change of clocks. What a day
	// of it is, the site's zone says (proto/cases).
	oralDelay = 30*24*time.Hour + time.Hour
	// longestDelay is beyond any that an official asks for: a slip in a year would have nobody told of a breach, and nothing overdue.
	longestDelay = 10 * 366 * 24 * time.Hour
)

// checkDelayed wants what 45 CFR 164.412 wants of a statement: who made it, when and on which ground, and in writing for how long.
func checkDelayed(d *v1.CaseDelayed, now time.Time) error {
	lifts, oral := d.GetStatement() == v1.DelayStatement_DELAY_STATEMENT_LIFTED, d.GetStatement() == v1.DelayStatement_DELAY_STATEMENT_ORAL
	wait := time.Duration(0)
	if d.GetUntilUs() != 0 {
		wait = time.UnixMicro(d.UntilUs).Sub(time.UnixMicro(d.StatedUs))
	}
	switch {
	case d.GetStatement() == 0 || v1.DelayStatement_name[int32(d.Statement)] == "":
		return invalid("statement", "written, oral or lifted")
	case lifts && (d.UntilUs != 0 || d.Ground != 0):
		return invalid("until", "nothing, when notices need not wait any longer; no ground either")
	case !lifts && (d.Ground == 0 || v1.DelayGround_name[int32(d.Ground)] == ""):
		return invalid("ground", "that a notice would impede a criminal investigation, or damage national security (45 CFR 164.412)")
	case !lifts && !oral && d.UntilUs == 0:
		return invalid("until", "the time that the written statement specifies (45 CFR 164.412(a)); without one it delays nothing")
	case d.UntilUs != 0 && wait <= 0:
		return invalid("until", "after it was stated")
	case oral && wait > oralDelay:
		return invalid("until", "30 days at most from the date of an oral statement (45 CFR 164.412(b)); beyond them only a written one delays")
	case wait > longestDelay:
		return invalid("until", "ten years at most")
	}
	return errors.Join(
		checkLine("official", d.Official, 1, maxName), checkLine("agency", d.Agency, 1, maxName), checkText("text", d.Text, 1, maxShort),
		checkPast("stated", d.StatedUs, now, true),
	)
}

// allowsDelay refuses a second oral statement, and to lift what does not stand.
func allowsDelay(now *cases.State, d *v1.CaseDelayed) error {
	switch {
	case d.Statement == v1.DelayStatement_DELAY_STATEMENT_ORAL && now.Oral():
		return refused("an oral statement is set down already: beyond its 30 days only a written one delays (45 CFR 164.412(b)); lift the first if it was a mistake")
	case d.Statement == v1.DelayStatement_DELAY_STATEMENT_LIFTED && len(now.Delays(time.UTC)) == 0:
		return refused("no delay stands")
	}
	return nil
}
