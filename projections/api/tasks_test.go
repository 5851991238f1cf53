package api_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"
	gocmp "github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestTasksTellRateAndRest: the rate is that of the last half minute, so that what is left follows a task that became slow, and nothing is
// promised of what is not known.
func TestTasksTellRateAndRest(t *testing.T) {
	t.Parallel()
	now := begin
	tasks := api.NewTasks(func() time.Time { return now })
	if got := tasks.Running(); len(got) != 0 {
		t.Fatalf("before anything began: %v", got)
	}
	task := tasks.Begin(v1.RunningTask_KIND_IMPORT, "ehr", "bytes")
	other := tasks.Begin(v1.RunningTask_KIND_BACKTEST, "", "messages")
	other.Done(5)
	task.Total(10_000)
	first := tasks.Running()[0]
	if first.PerSecond != 0 || first.LeftUs != 0 || first.Done != 0 {
		t.Errorf("at its beginning: %v", first)
	}
	for i := range 60 { // 100 a second for a minute, then 10
		now = now.Add(time.Second)
		task.Done(uint64(i+1) * 100)
	}
	for i := range 60 {
		now = now.Add(time.Second)
		task.Done(6000 + uint64(i+1)*10)
	}
	task.Results(42)
	want := &v1.RunningTask{
		Kind: v1.RunningTask_KIND_IMPORT, Source: "ehr", StartedUs: begin.UnixMicro(), Done: 6600, Total: 10_000, Unit: "bytes", PerSecond: 10,
		LeftUs: 340e6, Results: 42, AtUs: begin.Add(2 * time.Minute).UnixMicro(),
	}
	if diff := gocmp.Diff(want, tasks.Running()[0], protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
	now = now.Add(170 * time.Second) // it stands still, and so its rate falls
	if got := tasks.Running()[0]; got.PerSecond >= 2 || got.LeftUs < 1700e6 {
		t.Errorf("standing still: %v", got)
	}
	if got := tasks.Running()[1]; got.Total != 0 || got.LeftUs != 0 || got.Done != 5 {
		t.Errorf("of which it is not known how much there is: %v", got)
	}
	task.End()
	if got := tasks.Running(); len(got) != 1 || got[0].Kind != v1.RunningTask_KIND_BACKTEST {
		t.Errorf("after one ended: %v", got)
	}
}

// TestStatusTellsTasks to every role, by no name of anybody.
func TestStatusTellsTasks(t *testing.T) {
	w := newWorld(t)
	w.append(registered(&v1.SourceRegistered{Name: "ehr"}))
	w.settle()
	c := w.config()
	tasks := api.NewTasks(w.clock)
	c.Tasks = tasks.Running
	service := serve(t, c)
	ask := func() []*v1.RunningTask {
		t.Helper()
		res, err := service.GetStatus(as(t.Context(), "token:v", proto.RoleViewer), connect.NewRequest(&v1.GetStatusRequest{}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg.Tasks
	}
	task := tasks.Begin(v1.RunningTask_KIND_IMPORT, "ehr", "bytes")
	if got := ask(); len(got) != 1 || got[0].Source != "ehr" || got[0].Unit != "bytes" {
		t.Errorf("running: %v", got)
	}
	task.End()
	if got := ask(); len(got) != 0 {
		t.Errorf("nothing runs: %v", got)
	}
}
