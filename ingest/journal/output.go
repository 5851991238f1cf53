package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// The streams of what detectors write. They can be rebuilt from the journal, so they may be purged; what was acknowledged is on disk
// all the same, because projections remember how far they read.
const (
	FindingsStream = "FINDINGS"
	AlertsStream   = "ALERTS"
)

const (
	// outputInFlight messages are published before the first is acknowledged: at most 16 times 300 KB.
	outputInFlight = 16
	// outputWait is how long a writer waits before it tries again: on a full disk, or a server that does not answer.
	outputWait = 500 * time.Millisecond
)

// Mark says how far a stream of detectors is.
type Mark struct {
	// Sequence is the last message's in its stream; 0: there is none.
	Sequence uint64
	// Cause and Ordinal are what the last message says of itself.
	Cause   proto.Position
	Ordinal uint32
}

// Reached reports whether a message stands at or before the mark.
func (m Mark) Reached(cause proto.Position, ordinal uint32) bool {
	return m.Sequence > 0 && (cause < m.Cause || cause == m.Cause && ordinal <= m.Ordinal)
}

// Before reports whether the mark is before another one.
func (m Mark) Before(other Mark) bool {
	return other.Sequence > 0 && !m.Reached(other.Cause, other.Ordinal)
}

// Output writes the streams of detectors. It is their only writer: each message is published with the sequence that it must stand at,
// so another writer is noticed, and nothing is written over. One goroutine uses it.
type Output struct {
	j     *Journal
	mu    sync.Mutex // guards marks
	marks map[string]Mark
}

// OpenOutput finds the streams of detectors, or makes them, and reads how far they are.
func (j *Journal) OpenOutput(ctx context.Context) (*Output, error) {
	o := &Output{j: j, marks: map[string]Mark{}}
	for _, name := range []string{FindingsStream, AlertsStream} {
		if err := j.makeOutput(ctx, name); err != nil {
			return nil, fmt.Errorf("open stream %s: %w", name, err)
		}
		if _, err := o.read(ctx, name); err != nil {
			return nil, fmt.Errorf("open stream %s: %w", name, err)
		}
	}
	return o, nil
}

func (j *Journal) makeOutput(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	_, err := j.current().findOrMake(ctx, name, func() (jetstream.StreamConfig, error) {
		want := streamConfig(j.cfg, outputBytes(j.cfg, name))
		want.Name, want.Subjects = name, []string{outputSubject(name)}
		want.Description = "What Readtrail's detectors wrote; can be rebuilt from the journal"
		want.DenyPurge, want.Compression = false, jetstream.S2Compression
		return want, nil
	})
	return err
}

// outputBytes bounds a stream of detectors.
func outputBytes(cfg Config, name string) int64 {
	if name == AlertsStream {
		return cfg.OutputBytes / 4
	}
	return cfg.OutputBytes
}

// outputSubject is the one subject of a stream of detectors.
func outputSubject(name string) string {
	if name == AlertsStream {
		return "alerts"
	}
	return "findings"
}

// Findings is how far the FINDINGS stream is.
func (o *Output) Findings() Mark { return o.mark(FindingsStream) }

// Alerts is how far the ALERTS stream is.
func (o *Output) Alerts() Mark { return o.mark(AlertsStream) }

func (o *Output) mark(name string) Mark {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.marks[name]
}

func (o *Output) set(name string, m Mark) {
	o.j.outputs.raise(name, m.Sequence)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.marks[name] = m
}

// outputHeads are the last sequences of the streams of detectors, as far as their writer and their followers have seen.
type outputHeads struct{ findings, alerts atomic.Uint64 }

func (h *outputHeads) of(name string) *atomic.Uint64 {
	if name == AlertsStream {
		return &h.alerts
	}
	return &h.findings
}

func (h *outputHeads) raise(name string, sequence uint64) {
	head := h.of(name)
	for now := head.Load(); sequence > now; now = head.Load() {
		if head.CompareAndSwap(now, sequence) {
			return
		}
	}
}

// FindingsHead is the last sequence of the FINDINGS stream that its writer or a follower here has seen; 0: none.
func (j *Journal) FindingsHead() uint64 { return j.outputs.findings.Load() }

// AlertsHead is FindingsHead for the ALERTS stream.
func (j *Journal) AlertsHead() uint64 { return j.outputs.alerts.Load() }

// read asks the server how far a stream is.
func (o *Output) read(ctx context.Context, name string) (Mark, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	stream, err := o.j.current().js.Stream(ctx, name)
	if err != nil {
		return Mark{}, fmt.Errorf("read stream state: %w", err)
	}
	info := stream.CachedInfo()
	m := Mark{Sequence: info.State.LastSeq}
	if info.State.Msgs > 0 {
		msg, err := stream.GetMsg(ctx, m.Sequence)
		if err != nil {
			return Mark{}, fmt.Errorf("read last message: %w", err)
		}
		if m.Cause, m.Ordinal, err = markOf(name, msg.Data); err != nil {
			return Mark{}, err
		}
	}
	o.set(name, m)
	return m, nil
}

// markOf reads what a message says of itself.
func markOf(name string, data []byte) (proto.Position, uint32, error) {
	if name == AlertsStream {
		a, err := openAlert(data)
		return proto.Position(a.GetCause()), a.GetOrdinal(), err
	}
	f, err := openFindings(data)
	return proto.Position(f.GetCause()), f.GetOrdinal(), err
}

func openAlert(data []byte) (*v1.AlertVersion, error) {
	a := &v1.AlertVersion{}
	if err := a.UnmarshalVT(data); err != nil {
		return nil, fmt.Errorf("read version of an alert: %w: %w", proto.ErrCorrupt, err)
	}
	return a, nil
}

func openFindings(data []byte) (*v1.Findings, error) {
	f := &v1.Findings{}
	if err := f.UnmarshalVT(data); err != nil {
		return nil, fmt.Errorf("read findings: %w: %w", proto.ErrCorrupt, err)
	}
	return f, nil
}

// outgoing is a message on its way.
type outgoing struct {
	cause   proto.Position
	ordinal uint32
	data    []byte
}

// PublishFindings writes messages that follow the mark, in order, and returns when all are on disk. What stands at or before the mark
// is left out: it was written before. It tries again until ctx ends; ErrFenced says that another writer is at work.
func (o *Output) PublishFindings(ctx context.Context, all []*v1.Findings) error {
	out := make([]outgoing, 0, len(all))
	for _, m := range all {
		data, err := m.MarshalVT()
		if err != nil {
			return fmt.Errorf("publish findings: %w", err)
		}
		out = append(out, outgoing{proto.Position(m.Cause), m.Ordinal, data})
	}
	return o.publish(ctx, FindingsStream, out)
}

// PublishAlerts does the same for versions of alerts.
func (o *Output) PublishAlerts(ctx context.Context, all []*v1.AlertVersion) error {
	out := make([]outgoing, 0, len(all))
	for _, m := range all {
		data, err := m.MarshalVT()
		if err != nil {
			return fmt.Errorf("publish alerts: %w", err)
		}
		out = append(out, outgoing{proto.Position(m.Cause), m.Ordinal, data})
	}
	return o.publish(ctx, AlertsStream, out)
}

func (o *Output) publish(ctx context.Context, name string, all []outgoing) error {
	for len(all) > 0 {
		m := o.mark(name)
		if m.Reached(all[0].cause, all[0].ordinal) {
			all = all[1:]
			continue
		}
		n := min(len(all), outputInFlight)
		err := o.send(ctx, name, m, all[:n])
		if err == nil {
			all = all[n:]
			continue
		}
		if ctx.Err() != nil {
			return fmt.Errorf("publish to %s: %w", name, ctx.Err())
		}
		o.j.log.WarnContext(ctx, "output of detectors is not taken", slog.String("stream", name), slog.Any("err", err))
		if err := o.again(ctx, name, m, all[:n]); err != nil {
			return fmt.Errorf("publish to %s: %w", name, err)
		}
	}
	return nil
}

// send publishes some messages and waits for all of them.
func (o *Output) send(ctx context.Context, name string, m Mark, some []outgoing) error {
	if err := o.j.space.check(false); err != nil {
		return err
	}
	l := o.j.current()
	futures := make([]jetstream.PubAckFuture, 0, len(some))
	var failed error
	for i, x := range some {
		future, err := l.output.PublishMsgAsync(&nats.Msg{Subject: outputSubject(name), Data: x.data},
			jetstream.WithExpectLastSequence(m.Sequence+uint64(i)), jetstream.WithExpectStream(name), jetstream.WithRetryAttempts(0))
		if err != nil {
			failed = err
			break
		}
		futures = append(futures, future)
	}
	wait, cancel := context.WithTimeout(ctx, o.j.cfg.PublishTimeout)
	defer cancel()
	for i, future := range futures {
		select {
		case ack := <-future.Ok():
			if ack.Sequence != m.Sequence+uint64(i)+1 {
				return fmt.Errorf("acknowledged at %d instead of %d", ack.Sequence, m.Sequence+uint64(i)+1)
			}
			o.set(name, Mark{m.Sequence + uint64(i) + 1, some[i].cause, some[i].ordinal})
			o.j.space.stored.Add(int64(len(some[i].data)))
		case err := <-future.Err():
			return fmt.Errorf("publish: %w", errors.Join(failed, err))
		case <-wait.Done():
			return fmt.Errorf("publish: no acknowledgement: %w", wait.Err())
		}
	}
	return failed
}

// again reads how far the stream is after a failure: some of the messages may be there. Anything else there is another writer's.
func (o *Output) again(ctx context.Context, name string, before Mark, some []outgoing) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // the caller says what was done
		case <-o.j.ctx.Done():
			return ingest.ErrClosed
		case <-time.After(outputWait):
		}
		now, err := o.read(ctx, name)
		if err != nil {
			continue
		}
		if now.Sequence == before.Sequence {
			return nil
		}
		for i, x := range some {
			if now.Sequence == before.Sequence+uint64(i)+1 && now.Cause == x.cause && now.Ordinal == x.ordinal {
				return nil
			}
		}
		return ErrFenced
	}
}

// FollowFindings calls fn with every message of the FINDINGS stream after a stream sequence, in order and without a gap, and waits
// for new ones. It ends as Follow does; name is the follower's in the metrics.
func (j *Journal) FollowFindings(ctx context.Context, name string, from uint64, fn func(ctx context.Context, sequence uint64, m *v1.Findings) error) error {
	return j.followOutput(ctx, name, FindingsStream, from, func(ctx context.Context, sequence uint64, data []byte) error {
		m, err := openFindings(data)
		if err != nil {
			return err
		}
		return stopped(fn(ctx, sequence, m))
	})
}

// FollowAlerts is FollowFindings for the ALERTS stream.
func (j *Journal) FollowAlerts(ctx context.Context, name string, from uint64, fn func(ctx context.Context, sequence uint64, m *v1.AlertVersion) error) error {
	return j.followOutput(ctx, name, AlertsStream, from, func(ctx context.Context, sequence uint64, data []byte) error {
		m, err := openAlert(data)
		if err != nil {
			return err
		}
		return stopped(fn(ctx, sequence, m))
	})
}

func stopped(err error) error {
	if err == nil {
		return nil
	}
	return &stopError{err}
}

func (j *Journal) followOutput(ctx context.Context, name, stream string, from uint64, raw func(context.Context, uint64, []byte) error) error {
	f := &reader{j: j, next: from + 1, output: stream}
	f.raw = func(ctx context.Context, sequence, waiting uint64, data []byte) error {
		if err := raw(ctx, sequence, data); err != nil {
			return err
		}
		j.outputs.raise(stream, sequence+waiting)
		j.metrics.followers.WithLabelValues(name).Set(float64(sequence))
		j.metrics.lag.WithLabelValues(name).Set(float64(waiting))
		return nil
	}
	return j.keepFollowing(ctx, name, f)
}
