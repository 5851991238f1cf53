package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/api"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// download is a client that takes a file part by part, each when wait lets it.
type download struct {
	file bytes.Buffer
	done bool
	err  error
}

func (d *download) run(ctx context.Context, s *slowly, format v1.ExportScopeRequest_Format, wait func(parts int) error) {
	parts := 0
	m := &v1.ExportScopeRequest{Query: &v1.ScopeQuery{Reader: "jo"}, Purpose: "breach 7", Format: format, AsOfPosition: uint64(s.position)}
	d.err = s.service.Export(ctx, m, func(part *v1.ExportScopeResponse) error {
		if len(part.Data) > 0 {
			if err := wait(parts); err != nil {
				return err
			}
			parts++
		}
		d.file.Write(part.Data)
		d.done = part.Done
		return nil
	})
}

// whole is the file of a client that is never behind and whom nobody else waits for.
func (s *slowly) whole(format v1.ExportScopeRequest_Format) []byte {
	var d download
	if d.run(s.ctx(), s, format, atOnce); d.err != nil || !d.done {
		s.t.Fatal(d.err)
	}
	return d.file.Bytes()
}

func atOnce(int) error { return nil }

// slowly is a service whose outboxes are small, over a reader with reports enough to fill them, many at the same moment.
type slowly struct {
	*world
	service  *api.Service
	position proto.Position
}

func newSlowly(t *testing.T, turn time.Duration) *slowly {
	t.Helper()
	w := newWorld(t)
	var items []*v1.Item
	for n := range 400 {
		items = append(items, access("ehr", begin.Add(-time.Duration(n/7)*5*time.Minute), id("urn:mrn", fmt.Sprint(n%40)), id("urn:staff", "jo"), func(e *v1.AccessEvent) {
			for k := range n % 3 {
				e.Patients = append(e.Patients, &v1.Patient{Identifiers: []*v1.Identifier{id("urn:mrn", fmt.Sprint("x", n, "-", k))}})
			}
			if n%5 == 0 {
				e.Patients = nil
			}
			e.RequestId = fmt.Sprint(n / 2)
		}))
	}
	w.append(items...)
	w.settle()
	service := serve(t, w.config())
	service.SetExports(1<<10, 1, 10, turn)
	return &slowly{w, service, w.head()}
}

// stick starts three clients who take two parts and then nothing until release is closed, and returns when they have.
func (s *slowly) stick(running *sync.WaitGroup, format v1.ExportScopeRequest_Format, release chan struct{}) (clients []*download) {
	stuck := make(chan struct{})
	for range 3 {
		d := &download{}
		clients = append(clients, d)
		running.Go(func() {
			d.run(s.ctx(), s, format, func(parts int) error {
				if parts == 2 {
					stuck <- struct{}{}
					<-release
				}
				return nil
			})
		})
	}
	for range clients {
		<-stuck
	}
	return clients
}

// TestSlowDownloadsHoldNobodyUp: three clients who take nothing any more have all places; a fourth is served nevertheless. When they go on,
// each file is the same, byte for byte, as one that nobody interrupted.
func TestSlowDownloadsHoldNobodyUp(t *testing.T) {
	s := newSlowly(t, 0)
	for _, format := range []v1.ExportScopeRequest_Format{v1.ExportScopeRequest_FORMAT_CSV, v1.ExportScopeRequest_FORMAT_NDJSON, v1.ExportScopeRequest_FORMAT_FHIR} {
		want := s.whole(format)
		var read atomic.Int64
		s.service.Record(func(name string, _ store.Params) {
			if name == "scope_rows" {
				read.Add(1)
			}
		})
		var running sync.WaitGroup
		release := make(chan struct{})
		clients := s.stick(&running, format, release)
		fast := &download{}
		ctx, cancel := context.WithTimeout(s.ctx(), time.Minute) // so that a test that fails ends
		fast.run(ctx, s, format, atOnce)
		cancel()
		close(release)
		running.Wait()
		for i, d := range append(clients, fast) {
			if d.err != nil || !d.done || !bytes.Equal(d.file.Bytes(), want) {
				t.Errorf("%s, client %d: %v, whole %v, %d bytes and not %d", format, i, d.err, d.done, d.file.Len(), len(want))
			}
		}
		if read.Load() < 5 {
			t.Errorf("%s: %d statements: nobody left their place", format, read.Load())
		}
	}
}

// TestExportsKeepTheirPlaces: while their turn lasts, files are not interrupted; one more waits until a place is free, or gives up.
func TestExportsKeepTheirPlaces(t *testing.T) {
	s := newSlowly(t, time.Hour)
	const format = v1.ExportScopeRequest_FORMAT_CSV
	want := s.whole(format)
	var running sync.WaitGroup
	release := make(chan struct{})
	s.stick(&running, format, release)
	ctx, cancel := context.WithCancel(s.ctx())
	var impatient, patient download
	running.Go(func() { impatient.run(ctx, s, format, atOnce) })
	s.service.AwaitExportsWaiting(1)
	running.Go(func() { patient.run(s.ctx(), s, format, atOnce) })
	s.service.AwaitExportsWaiting(2)
	cancel()
	s.service.AwaitExportsWaiting(1)
	close(release)
	running.Wait()
	if connect.CodeOf(impatient.err) != connect.CodeCanceled || impatient.file.Len() > 0 {
		t.Errorf("who gave up: %v, %d bytes", impatient.err, impatient.file.Len())
	}
	if patient.err != nil || !bytes.Equal(patient.file.Bytes(), want) {
		t.Errorf("who waited: %v, %d bytes and not %d", patient.err, patient.file.Len(), len(want))
	}
	if free := s.service.FreeExports(); free != 3 {
		t.Errorf("%d places are free", free)
	}
}

// TestNoPlaceIsLost: whenever clients give up or break off, all places are free in the end, and whoever stays has a whole file.
func TestNoPlaceIsLost(t *testing.T) {
	s := newSlowly(t, 0)
	const format = v1.ExportScopeRequest_FORMAT_CSV
	want := s.whole(format)
	random := rand.New(rand.NewPCG(7, 7))
	var running sync.WaitGroup
	broke := errors.New("the connection broke")
	for range 24 {
		at, how := random.IntN(12), random.IntN(3)
		running.Go(func() {
			ctx, cancel := context.WithCancel(s.ctx())
			defer cancel()
			var d download
			d.run(ctx, s, format, func(parts int) error {
				switch {
				case parts == at && how == 0:
					return broke
				case parts == at && how == 1:
					cancel()
				}
				return nil
			})
			if how == 2 && (d.err != nil || !bytes.Equal(d.file.Bytes(), want)) {
				t.Errorf("%v, %d bytes and not %d", d.err, d.file.Len(), len(want))
			}
			if how == 0 && d.err == nil {
				t.Error("a broken connection is no error")
			}
		})
	}
	running.Wait()
	if free := s.service.FreeExports(); free != 3 {
		t.Errorf("%d places are free", free)
	}
}
