package words

import (
	"fmt"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Task names what runs.
func Task(t *v1.RunningTask) string {
	switch t.GetKind() {
	case v1.RunningTask_KIND_IMPORT:
		return "import from " + t.GetSource()
	case v1.RunningTask_KIND_REBUILD:
		return "rebuild of the projections"
	case v1.RunningTask_KIND_BACKTEST:
		return "backtest: the journal judged again"
	}
	return "something else"
}

// TaskWay says how much is done of how much.
func TaskWay(t *v1.RunningTask) string {
	done := amount(float64(t.GetDone()), t.GetUnit())
	if t.GetTotal() == 0 {
		return done
	}
	return fmt.Sprintf("%s of %s, %d %%", done, amount(float64(t.GetTotal()), t.GetUnit()), min(100, 100*t.GetDone()/t.GetTotal()))
}

// TaskRate says how much is done a second; empty: it is not known yet.
func TaskRate(t *v1.RunningTask) string {
	if t.GetPerSecond() <= 0 {
		return ""
	}
	return amount(t.GetPerSecond(), t.GetUnit()) + "/s"
}

// TaskLeft says how long it takes from now on; empty: it is not known.
func TaskLeft(t *v1.RunningTask) string {
	if t.GetLeftUs() <= 0 {
		return ""
	}
	left := time.Duration(t.GetLeftUs()) * time.Microsecond
	switch {
	case left < time.Minute:
		return fmt.Sprintf("about %d s", int(left.Seconds())+1)
	case left < 2*time.Hour:
		return fmt.Sprintf("about %d min", int(left.Minutes())+1)
	}
	return fmt.Sprintf("about %d h", int(left.Hours())+1)
}

// TaskResults says what came of it so far; empty: nothing that is counted.
func TaskResults(t *v1.RunningTask) string {
	switch {
	case t.GetResults() == 0:
		return ""
	case t.GetKind() == v1.RunningTask_KIND_REBUILD:
		return fmt.Sprintf("%d rows", t.GetResults())
	}
	return fmt.Sprintf("%d entries taken in", t.GetResults())
}

// amount is a number of a unit: bytes in the unit that reads best.
func amount(n float64, unit string) string {
	if unit != "bytes" {
		return fmt.Sprintf("%.0f %s", n, unit)
	}
	for _, u := range []string{"B", "KB", "MB", "GB"} {
		if n < 1000 {
			return fmt.Sprintf("%.4g %s", n, u)
		}
		n /= 1000
	}
	return fmt.Sprintf("%.4g TB", n)
}
