package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/ingest/simulate"
)

const (
	// posters is how many clients post at once.
	posters = 64
	// postsPerSecond bounds the events that are made ready: more than any machine of this size answers.
	postsPerSecond = 12_000
	// batchLines is the batch whose bytes in the journal are weighed.
	batchLines = 64
)

// posts measures single requests by many clients, each on a connection of its own with the source's credential, then
// weighs what lone events and batches of 64 take in the journal.
func (b *bench) posts(ctx context.Context) (err error) {
	dir, err := b.folder("post")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.done(dir)) }()
	h, err := newHospital(simulate.DefaultStaff)
	if err != nil {
		return err
	}
	events := &stream{h: h, source: simulate.SourceEHR}
	s, err := startServer(ctx, b.binary, dir, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	credentials, err := s.registerSources(ctx)
	if err != nil {
		return err
	}
	var rates []float64
	var all []time.Duration
	used := usageOf(s.pid())
	for range b.size.rounds {
		begin := time.Now()
		took, err := s.postMany(ctx, credentials[simulate.SourceEHR], events, b.size.post)
		if err != nil {
			return err
		}
		rates = append(rates, perSecond(len(took), time.Since(begin)))
		all = append(all, took...)
		if _, _, err := s.awaitProjected(ctx); err != nil {
			return err
		}
	}
	b.add(figPost, median(rates), "p50 %.1f ms, p99 %.1f ms, %s requests in %d rounds; %s", milliseconds(quantile(all, 0.5)),
		milliseconds(quantile(all, 0.99)), number(float64(len(all))), len(rates), usageOf(s.pid()).since(used, len(all)))
	return b.weighJournal(ctx, s, events)
}

// postMany posts from 64 clients until the time is up and returns how long each request took. The clients are as thin as
// can be, because they share the processors with the server.
func (s *server) postMany(ctx context.Context, credential string, events *stream, during time.Duration) ([]time.Duration, error) {
	each := int(during.Seconds()*postsPerSecond)/posters + 1
	requests := make([][][]byte, posters)
	for i := range requests {
		for _, e := range events.take(each) {
			var request bytes.Buffer
			fmt.Fprintf(&request, "POST /fhir/AuditEvent HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n", s.address, credential, len(e.JSON))
			request.Write(e.JSON)
			requests[i] = append(requests[i], request.Bytes())
		}
	}
	took := make([][]time.Duration, posters)
	end := time.Now().Add(during)
	group, ctx := errgroup.WithContext(ctx)
	for i := range posters {
		group.Go(func() (err error) {
			took[i], err = postUntil(ctx, s.address, requests[i], end)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("post: %w", err)
	}
	var all []time.Duration
	for _, t := range took {
		all = append(all, t...)
	}
	return all, nil
}

// postUntil is one client.
func postUntil(ctx context.Context, address string, requests [][]byte, end time.Time) ([]time.Duration, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	answers := bufio.NewReader(conn)
	took := make([]time.Duration, 0, len(requests))
	for _, request := range requests {
		begin := time.Now()
		if begin.After(end) {
			return took, nil
		}
		if _, err := conn.Write(request); err != nil {
			return nil, err //nolint:wrapcheck // says what failed
		}
		res, err := http.ReadResponse(answers, nil)
		if err != nil {
			return nil, err //nolint:wrapcheck // says what failed
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if err != nil {
			return nil, err //nolint:wrapcheck // says what failed
		}
		if res.StatusCode != http.StatusCreated {
			return nil, fmt.Errorf("the server answers %s", res.Status)
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}

// weighJournal weighs what the stream grows by, with heads, originals and the stream's own overhead.
func (b *bench) weighJournal(ctx context.Context, s *server, events *stream) error {
	bytesOf := func(all []simulate.Event) (n int) {
		for i := range all {
			n += len(all[i].JSON)
		}
		return n
	}
	weigh := func(name string, n int, requests func(e []simulate.Event) error, each int) error {
		all := events.take(n)
		before, err := s.status(ctx)
		if err != nil {
			return err
		}
		for i := 0; i < n; i += each {
			if err := requests(all[i : i+each]); err != nil {
				return err
			}
		}
		after, err := s.status(ctx)
		if err != nil {
			return err
		}
		messages := after.journal.Sequence() - before.journal.Sequence()
		b.add(name, float64(after.journalBytes-before.journalBytes)/float64(n), "%s events of %.2f KB in %s messages",
			number(float64(n)), float64(bytesOf(all))/float64(n)/1000, number(float64(messages)))
		return nil
	}
	err := weigh(figJournalBatch, b.size.batches*batchLines, func(e []simulate.Event) error {
		return s.postTransaction(ctx, simulate.SourceEHR, e)
	}, batchLines)
	if err != nil {
		return err
	}
	return weigh(figJournalLone, b.size.lone, func(e []simulate.Event) error {
		return s.post(ctx, simulate.SourceEHR, e[0].JSON)
	}, 1)
}

// joined are events as lines.
func joined(events []simulate.Event) []byte {
	var b bytes.Buffer
	for i := range events {
		b.Write(events[i].JSON)
		b.WriteByte('\n')
	}
	return b.Bytes()
}
