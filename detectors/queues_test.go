package detectors_test

import (
	"testing"

	"github.com/readtrail/readtrail/detectors"
)

// TestQueueOfAnAlert: it is that of most accesses that state a site, the first one configured of those that have as many.
func TestQueueOfAnAlert(t *testing.T) {
	t.Parallel()
	queues := detectors.SiteQueues{
		{Name: "South", Sites: []string{"South"}, Budget: 1},
		{Name: "North", Sites: []string{" north", "NORTH ANNEX"}, Budget: 1},
	}
	for name, tt := range map[string]struct {
		sites []string
		want  string
	}{
		"no access":                      {nil, ""},
		"none states a site":             {[]string{"", " "}, ""},
		"one":                            {[]string{"South"}, "South"},
		"letters and blanks":             {[]string{" NORTH "}, "North"},
		"no site counts for none":        {[]string{"", "", "", "North"}, "North"},
		"sites of one queue count":       {[]string{"South", "South", "North", "north annex", "North"}, "North"},
		"as many: the first":             {[]string{"North", "South"}, "South"},
		"as many as elsewhere":           {[]string{"West", "North"}, "North"},
		"most elsewhere":                 {[]string{"West", "East", "North"}, ""},
		"nobody named it":                {[]string{"West"}, ""},
		"a name that only begins so":     {[]string{"North Annex 2"}, ""},
		"other letters are not the same": {[]string{"Šouth"}, ""},
	} {
		if got, err := detectors.QueueOf(queues, tt.sites...); err != nil || got != tt.want {
			t.Errorf("%s: queue %q (%v), want %q", name, got, err, tt.want)
		}
	}
	if got, err := detectors.QueueOf(nil, "South"); err != nil || got != "" {
		t.Errorf("without queues: %q (%v)", got, err)
	}
}
