package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/ingest/simulate"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// visibleRate is the load under which visibility is measured, in events/s, sent a twentieth of a second at a time.
	visibleRate  = 5_000
	visibleEvery = 50 * time.Millisecond
	// probeEvery leaves the processors to the load: each probe asks a dozen times how far the projection is.
	probeEvery = 300 * time.Millisecond
	// askEvery is how exactly a probe's time is known. It counts against us.
	askEvery = 20 * time.Millisecond
	// probeTimeout is far beyond the floor: the projections stand still.
	probeTimeout = 30 * time.Second
)

// visible sends a steady load and, beside it, single events about patients of their own: the time from the server's
// acceptance until an answer to "who viewed this record?" that shows the event has arrived.
func (b *bench) visible(ctx context.Context) (err error) {
	dir, err := b.folder("visible")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.done(dir)) }()
	h, err := newHospital(simulate.DefaultStaff)
	if err != nil {
		return err
	}
	load := batchesOf(&stream{h: h, source: simulate.SourceEHR}, b.size.visible)
	s, err := startServer(ctx, b.binary, dir, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, err := s.registerSources(ctx); err != nil {
		return err
	}
	var rate float64
	var took []time.Duration
	group, probing := errgroup.WithContext(ctx)
	sending := make(chan struct{})
	group.Go(func() (err error) {
		defer close(sending)
		rate, err = s.sendPaced(probing, load)
		return err
	})
	group.Go(func() (err error) {
		took, err = s.probe(probing, sending)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	b.add(figVisible, milliseconds(quantile(took, 0.99)), "%d probes, p50 %.0f ms, at %s events/s", len(took),
		milliseconds(quantile(took, 0.5)), number(rate))
	if rate < 0.95*visibleRate && !b.smoke {
		b.note("Visibility was measured at %s events/s: this machine did not take %s.", number(rate), number(visibleRate))
	}
	return nil
}

// batchesOf makes the load ready, so that making it takes nothing from the measurement.
func batchesOf(events *stream, during time.Duration) [][]byte {
	each := int(visibleRate * visibleEvery.Seconds())
	out := make([][]byte, during/visibleEvery)
	for i := range out {
		out[i] = joined(events.take(each))
	}
	return out
}

// sendPaced sends the load and returns the rate that was reached.
func (s *server) sendPaced(ctx context.Context, load [][]byte) (float64, error) {
	begin := time.Now()
	for i, lines := range load {
		select {
		case <-ctx.Done():
			return 0, ctx.Err() //nolint:wrapcheck // says what happened
		case <-time.After(time.Until(begin.Add(time.Duration(i) * visibleEvery))):
		}
		if err := s.postLines(ctx, simulate.SourceEHR, lines); err != nil {
			return 0, err
		}
	}
	return float64(len(load)) * visibleRate * visibleEvery.Seconds() / time.Since(begin).Seconds(), nil
}

// probe measures single events, one after the other, until the load ends.
func (s *server) probe(ctx context.Context, sending <-chan struct{}) (took []time.Duration, err error) {
	for n := 1; ; n++ {
		begin := time.Now()
		one, err := s.probeOnce(ctx, fmt.Sprintf("PROBE-%d", n))
		if err != nil {
			return nil, err
		}
		took = append(took, one)
		select {
		case <-ctx.Done():
			return nil, ctx.Err() //nolint:wrapcheck // says what happened
		case <-sending:
			return took, nil
		case <-time.After(probeEvery - time.Since(begin)):
		}
	}
}

// probeOnce sends one event and asks until it shows. The cheap question, how far the projection is, comes first: asking
// for the record a hundred times a second would measure the questions.
func (s *server) probeOnce(ctx context.Context, patient string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := s.post(ctx, simulate.SourceEHR, probeEvent(patient, time.Now())); err != nil {
		return 0, err
	}
	accepted := time.Now()
	p, err := s.status(ctx)
	for target := p.journal.Sequence(); err == nil && p.accesses.Sequence() < target; p, err = s.status(ctx) {
		time.Sleep(askEvery)
	}
	for err == nil {
		var res *connect.Response[v1.WhoViewedResponse]
		res, err = s.query.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: probeSystem + "|" + patient, Purpose: purpose}))
		if err == nil && len(res.Msg.Accesses) > 0 {
			return time.Since(accepted), nil
		}
		time.Sleep(askEvery)
	}
	return 0, fmt.Errorf("wait for a probe: %w", err)
}

const (
	probeSystem = "https://bench.example/ids/mrn"
	// purpose is what every question must name.
	purpose = "measurement of a synthetic hospital"
)

// probeEvent is one read of one patient's record.
func probeEvent(patient string, at time.Time) []byte {
	return fmt.Appendf(nil, `{"resourceType":"AuditEvent","id":"%s","type":{"system":"http://terminology.hl7.org/CodeSystem/audit-event-type","code":"rest"},`+
		`"subtype":[{"system":"http://hl7.org/fhir/restful-interaction","code":"read"}],"action":"R","recorded":"%s","outcome":"0",`+
		`"agent":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"IRCP"}]},`+
		`"who":{"identifier":{"system":"https://bench.example/ids/staff","value":"S1"}},"requestor":true}],`+
		`"source":{"observer":{"display":"bench"}},"entity":[{"what":{"identifier":{"system":"%s","value":"%s"}},`+
		`"type":{"system":"http://terminology.hl7.org/CodeSystem/audit-entity-type","code":"1"},`+
		`"role":{"system":"http://terminology.hl7.org/CodeSystem/object-role","code":"1"}}]}`,
		patient, at.UTC().Format(time.RFC3339Nano), probeSystem, patient)
}
