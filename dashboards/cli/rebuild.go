package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/term"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// Rebuild is `readtrail rebuild`.
type Rebuild struct {
	JSON bool `help:"Write each progress report as a line of JSON."`
}

// Run rebuilds the projections and tells of progress until the flip.
func (q Rebuild) Run(ctx context.Context, conn *Connection, w io.Writer) error {
	client := readtrailv1connect.NewProjectionServiceClient(conn.HTTP, conn.Base)
	stream, err := client.Rebuild(ctx, connect.NewRequest(&v1.RebuildRequest{}))
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	defer func() { _ = stream.Close() }() // what failed is in stream.Err
	show := newRebuildDisplay(w, time.Now)
	for stream.Receive() {
		if q.JSON {
			if err := writeJSON(w, stream.Msg()); err != nil {
				return err
			}
			continue
		}
		show.report(stream.Msg())
	}
	if err := stream.Err(); err != nil {
		show.clear()
		return fmt.Errorf("rebuild: %w", err)
	}
	return nil
}

// rebuildLineEvery is how often a rebuild tells of itself where there is no terminal: a log is read later.
const rebuildLineEvery = 10 * time.Second

// rebuildDisplay tells of a rebuild: on a terminal one line that changes, elsewhere a line now and then.
type rebuildDisplay struct {
	w        io.Writer
	now      func() time.Time
	terminal bool
	drawn    bool

	begun, told time.Time
	first, rows uint64 // what the first report said: a rebuild may go on where an earlier one stopped
}

func newRebuildDisplay(w io.Writer, now func() time.Time) *rebuildDisplay {
	f, ok := w.(*os.File)
	return &rebuildDisplay{w: w, now: now, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

func (d *rebuildDisplay) report(p *v1.RebuildResponse) {
	// Messages and not positions: a position also counts what a message could have held.
	done, all := proto.Position(p.Position).Sequence(), proto.Position(p.Target).Sequence()
	now := d.now()
	if d.begun.IsZero() {
		d.begun, d.told, d.first, d.rows = now, now, done, p.Rows
		d.begin(p.Version, done, all, p.Rows)
	}
	took := now.Sub(d.begun)
	switch {
	case p.Flipped:
		d.clear()
		fmt.Fprintf(d.w, "version %d is active: %s, read in %s\n", p.Version, count(p.Rows, "row", "rows"), took.Round(time.Second))
	case done == d.first || !d.terminal && now.Sub(d.told) < rebuildLineEvery:
	default:
		d.told = now
		d.line(fmt.Sprintf("version %d: %s, %s%s", p.Version, share(done, all), count(p.Rows, "row", "rows"), d.pace(done, all, p.Rows, took)))
	}
}

// begin says from where: a newcomer must see that nothing is lost, who comes again that nothing is done twice.
func (d *rebuildDisplay) begin(version, done, all, rows uint64) {
	if done == 0 {
		fmt.Fprintf(d.w, "version %d: reading the journal from its beginning, %s\n", version, count(all, "message", "messages"))
		return
	}
	fmt.Fprintf(d.w, "version %d: going on where an earlier rebuild stopped, at %s of %s, %s\n", version, share(done, all), count(all, "message", "messages"), count(rows, "row", "rows"))
}

// pace is what this run does in a second, and how long that leaves.
func (d *rebuildDisplay) pace(done, all, rows uint64, took time.Duration) string {
	if took <= 0 || done <= d.first || all < done {
		return ""
	}
	left := time.Duration(float64(took) / float64(done-d.first) * float64(all-done))
	return fmt.Sprintf(", %.0f/s, %s left", float64(rows-min(rows, d.rows))/took.Seconds(), left.Round(time.Second))
}

// share is in whole percent, and 100 only at the end.
func share(done, all uint64) string {
	return fmt.Sprintf("%d %%", min(done, all)*100/max(all, 1))
}

func (d *rebuildDisplay) line(text string) {
	if d.terminal {
		d.drawn = true
		fmt.Fprint(d.w, "\r\x1b[K"+text)
		return
	}
	fmt.Fprintln(d.w, text)
}

// clear takes the line that changes away.
func (d *rebuildDisplay) clear() {
	if d.drawn {
		fmt.Fprint(d.w, "\r\x1b[K")
		d.drawn = false
	}
}
