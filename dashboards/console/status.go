package console

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// statusPage says how far the journal and the projections are. It names nobody.
type statusPage struct {
	Version                   string
	Position, Size            string
	Messages                  uint64
	Durability, DurabilityWhy string
	Projections               []progressRow
	// Rebuilding is true while a version that does not answer yet is being made.
	Rebuilding, Behind bool
	AsOf               *moment
	// Tasks are what runs in the server and takes a while.
	Tasks []taskRow
	// Glasses were broken and wait for a review, the first since Unreviewed.
	Glasses    uint64
	Unreviewed *moment
}

// taskRow is an import, a rebuild or a backtest that runs.
type taskRow struct {
	What, Way, Rate, Left, Results string
	Started                        *moment
	// Done is of 100; Known says that it is known how much there is.
	Done  float64
	Known bool
}

func taskRowOf(at clock, t *v1.RunningTask) taskRow {
	r := taskRow{
		What: words.Task(t), Way: words.TaskWay(t), Rate: words.TaskRate(t), Left: words.TaskLeft(t), Results: words.TaskResults(t), Started: at.at(t.StartedUs),
		Known: t.Total > 0,
	}
	if r.Known {
		r.Done = min(100, 100*float64(t.Done)/float64(t.Total))
	}
	return r
}

type progressRow struct {
	Name, Position, Lag string
	Version             uint64
	Active              bool
	// Done is of 100, in sequences of the journal.
	Done float64
}

func (c *Console) serveStatus(v *visit) error   { return v.showStatus("") }
func (c *Console) serveProgress(v *visit) error { return v.showStatus("progress") }

func (v *visit) showStatus(part string) error {
	res, err := v.c.cfg.Questions.GetStatus(v.r.Context(), connect.NewRequest(&v1.GetStatusRequest{}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	m := res.Msg
	page := statusPage{
		Version: m.Version, Position: fmt.Sprint(m.JournalPosition), Size: bytesWord(m.JournalBytes), Messages: m.JournalMessages,
		Durability: m.Durability, DurabilityWhy: m.DurabilityReason, AsOf: clock{v.c.cfg.TimeZone}.at(v.now.UnixMicro()),
	}
	page.Glasses, page.Unreviewed = m.GlassUnreviewed, clock{v.c.cfg.TimeZone}.at(m.GlassUnreviewedSinceUs)
	for _, t := range m.Tasks {
		page.Tasks = append(page.Tasks, taskRowOf(clock{v.c.cfg.TimeZone}, t))
	}
	for _, p := range m.Projections {
		r := progressRow{Name: strings.ReplaceAll(p.Name, "_", " "), Position: fmt.Sprint(p.Position), Version: p.Version, Active: p.Active, Lag: "up to date"}
		if m.JournalPosition > 0 {
			r.Done = 100 * float64(p.Position>>12) / float64(max(m.JournalPosition>>12, 1))
		}
		if p.LagUs > 0 {
			r.Lag = spanWord(time.Duration(p.LagUs)*time.Microsecond) + " behind"
			page.Behind = page.Behind || p.Active
		}
		page.Rebuilding = page.Rebuilding || !p.Active
		page.Projections = append(page.Projections, r)
	}
	if part != "" {
		return v.renderPart(http.StatusOK, "status", part, page)
	}
	return v.render(http.StatusOK, "status", page)
}
