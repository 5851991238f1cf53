package detect_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/deploy/config"
	"github.com/readtrail/readtrail/deploy/detect"
	"github.com/readtrail/readtrail/detectors"
)

// TestWeightsInForce: what is built in, what calibration learned in its place, and a site's own detector, whose share the others make room for. Each kind
// has grades with a word each, which are no more than all cases.
func TestWeightsInForce(t *testing.T) {
	t.Parallel()
	learned, own := filepath.Join(t.TempDir(), "weights.yaml"), filepath.Join(t.TempDir(), "rules.yaml")
	must(t, os.WriteFile(learned, []byte("learned: from 30 alerts\nweights:\n  - {scenario: neighbour, share: 200, grades: {NeighbourAccess: [100, 200, 300]}}\n"), 0o600))
	must(t, os.WriteFile(own, []byte(`rules:
  - name: NightPrint
    about: A document was printed at night.
    normal: A reason to print it at night would have made it normal.
    key: pair
    when: access.print && access.hour < 6
    grades:
      - {at_least: 1, word: printed at night}
    misuse: [700]
    share: 100
`), 0o600))
	of := func(weights, rules string) (string, map[string]detectors.WeightsOf) {
		load := func() (*config.Config, error) {
			return config.Load("", []string{"READTRAIL_DETECTORS_WEIGHTS_FILE=" + weights, "READTRAIL_DETECTORS_RULES_FILE=" + rules})
		}
		var text, data bytes.Buffer
		must(t, (&detect.WeightsCommand{}).Run(&text, load))
		must(t, (&detect.WeightsCommand{JSON: true}).Run(&data, load))
		var all []detectors.WeightsOf
		must(t, json.Unmarshal(data.Bytes(), &all))
		out, shares := map[string]detectors.WeightsOf{}, map[string]int{}
		for _, w := range all {
			out[w.Scenario] = w
			shares[w.Unit] += w.Share
			if len(w.Grades) == 0 || w.Share < 1 || w.Share > 1000 {
				t.Errorf("%s says nothing: %+v", w.Scenario, w)
			}
			for _, g := range w.Grades {
				sum := 0
				for _, n := range g.Misuse {
					sum += n
				}
				if sum > 1000 || len(g.Words) == 0 || (g.Misuse == nil) == (g.Bits == nil) || g.Misuse != nil && len(g.Misuse) != len(g.Words) || g.Bits != nil && len(g.Bits) != len(g.Words)+1 {
					t.Errorf("%s in %s: %+v", g.Detector, w.Scenario, g)
				}
			}
			if !strings.Contains(text.String(), "  "+w.Scenario+"\n") && !strings.Contains(text.String(), "  "+w.Scenario+" (") {
				t.Errorf("%s is not in the text", w.Scenario)
			}
		}
		return text.String(), out
	}
	_, plain := of("", "")
	if w := plain["neighbour"]; w.Learned || w.Own || w.Share != 120 || len(plain) < 20 {
		t.Errorf("%d kinds; %+v", len(plain), w)
	}
	text, got := of(learned, own)
	w := got["neighbour"]
	at := slices.IndexFunc(w.Grades, func(g detectors.GradesOf) bool { return g.Detector == "NeighbourAccess" })
	if !w.Learned || w.Share != 180 || at < 0 || !slices.Equal(w.Grades[at].Misuse, []int{100, 200, 300}) || !strings.Contains(text, "  180  neighbour (learned)\n") {
		t.Errorf("what was learned: %+v", w)
	}
	if w := got["NightPrint"]; !w.Own || w.Share != 100 || !strings.Contains(text, "  100  NightPrint (custom)\n") || !strings.Contains(text, "       NightPrint: 700 printed at night\n") {
		t.Errorf("the site's own: %+v\n%s", w, text)
	}
	if w := got["family"]; w.Share != 216 {
		t.Errorf("room for it: %+v", w)
	}
}
