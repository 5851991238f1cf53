package console_test

import (
	"strings"
	"testing"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestStatusShowsWhatRuns, on the page and in the part of it that is fetched anew, and says so when nothing does.
func TestStatusShowsWhatRuns(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(proto.RoleViewer)
	s.api.status = &v1.GetStatusResponse{}
	if p := b.get("/status"); !strings.Contains(p.body, "No import, rebuild or backtest is running.") {
		t.Error("nothing runs, and the page does not say so")
	}
	s.api.status = &v1.GetStatusResponse{Tasks: []*v1.RunningTask{
		{Kind: v1.RunningTask_KIND_IMPORT, Source: "<b>ehr", Done: 250, Total: 1000, Unit: "bytes", PerSecond: 50, LeftUs: 15e6, StartedUs: 1772438400_000000},
		{Kind: v1.RunningTask_KIND_BACKTEST, Done: 5, Unit: "messages"},
	}}
	for _, path := range []string{"/status", "/status/progress"} {
		p := b.get(path)
		for _, want := range []string{"import from &lt;b&gt;ehr", "250 B of 1000 B, 25 %", "50 B/s", "about 16 s", `width="25.00"`, "5 messages", "how much there is, is not known"} {
			if !strings.Contains(strings.ReplaceAll(p.body, "1 KB", "1000 B"), want) {
				t.Errorf("%s lacks %q", path, want)
			}
		}
		if strings.Contains(p.body, "<b>ehr") {
			t.Errorf("%s: a source's name is written as markup", path)
		}
	}
}
