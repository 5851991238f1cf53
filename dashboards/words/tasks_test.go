package words_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func TestTasks(t *testing.T) {
	for name, tt := range map[string]struct {
		task *v1.RunningTask
		want [5]string
	}{
		"import": {
			&v1.RunningTask{Kind: v1.RunningTask_KIND_IMPORT, Source: "ehr", Done: 1_500_000, Total: 2_000_000_000, Unit: "bytes", PerSecond: 2_340_000, LeftUs: 853e6, Results: 12},
			[5]string{"import from ehr", "1.5 MB of 2 GB, 0 %", "2.34 MB/s", "about 15 min", "12 entries taken in"},
		},
		"import that just began": {
			&v1.RunningTask{Kind: v1.RunningTask_KIND_IMPORT, Source: "ehr", Unit: "bytes"}, [5]string{"import from ehr", "0 B", "", "", ""},
		},
		"rebuild": {
			&v1.RunningTask{Kind: v1.RunningTask_KIND_REBUILD, Done: 50, Total: 100, Unit: "messages", PerSecond: 10, LeftUs: 5e6, Results: 9},
			[5]string{"rebuild of the projections", "50 messages of 100 messages, 50 %", "10 messages/s", "about 6 s", "9 rows"},
		},
		"backtest": {
			&v1.RunningTask{Kind: v1.RunningTask_KIND_BACKTEST, Done: 7, Total: 100, Unit: "messages", LeftUs: 3 * 3600e6},
			[5]string{"backtest: the journal judged again", "7 messages of 100 messages, 7 %", "", "about 4 h", ""},
		},
	} {
		got := [5]string{words.Task(tt.task), words.TaskWay(tt.task), words.TaskRate(tt.task), words.TaskLeft(tt.task), words.TaskResults(tt.task)}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
