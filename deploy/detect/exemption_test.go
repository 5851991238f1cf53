package detect_test

import (
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/ruleset"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestExemptions: a rule set that comes on the way exempts two roles for three days: nothing is found of them on these days by the detectors that
// it names, and something on others and of others. It is the same to the byte for any number of hands and from snapshots.
func TestExemptions(t *testing.T) {
	t.Parallel()
	h := fortnight().copy(t)
	from, until := h.start(9).Format(time.DateOnly), h.start(12).Format(time.DateOnly)
	named, exempt := map[string]bool{}, map[string]bool{}
	rs := ruleSet(t, func(c *ruleset.Config) {
		for _, detector := range []string{"VolumeSpike", "HourSpike", "ManyUnexplained"} {
			for _, role := range []string{"nurse", "physician"} {
				named[detector], exempt[role] = true, true
				c.Exemptions = append(c.Exemptions, detectors.Exemption{
					Detector: detector, Role: role, From: from, Until: until, Reason: "register", Owner: "quality office",
				})
			}
		}
	})
	h.insert(arrival{h.start(8).Add(9 * time.Hour), []entry{{item: &v1.Item{Body: &v1.Item_RuleSet{RuleSet: rs}}}}})
	w := judged(t, h)
	cfg := engineConfig(t, h)
	cfg.Hands = 16
	e, other := run(t, cfg, h.batches)
	must(t, w.same(other))
	must(t, w.same(restoredOften(t, h, len(h.batches)-200)))

	roles := map[string]string{}
	for _, a := range fortnightWritten().versions {
		for _, r := range a.Readers {
			roles[r.GetIdentifier().GetValue()] = r.Role
		}
	}
	first, end := dayNumber(t, from), dayNumber(t, until)
	found := func(w *written) (in, out uint64) {
		for _, m := range w.messages {
			for _, f := range m.Findings {
				switch {
				case !named[f.Detector]:
				case exempt[roles[f.Reader.GetValue()]] && int64(m.Day) >= first && int64(m.Day) < end:
					in++
				default:
					out++
				}
			}
		}
		return in, out
	}
	would, _ := found(fortnightWritten())
	if in, out := found(w); in != 0 || out == 0 {
		t.Errorf("%d findings of those who are exempt, %d others", in, out)
	}
	held := uint64(0)
	for _, x := range e.HeldBack() {
		held += x.Findings
	}
	if would == 0 || held < would { // what looks like everyday work is held back too, and was no finding that is told
		t.Errorf("%d findings were held back, of which %d would have been told", held, would)
	}
}
