package store

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Stats say what a statement cost, as ClickHouse counted it.
type Stats struct {
	ReadRows     uint64        // rows read from tables
	ReadBytes    uint64        // bytes read from tables, uncompressed
	WrittenRows  uint64        // rows written to tables
	WrittenBytes uint64        // bytes written, uncompressed
	Elapsed      time.Duration // inside ClickHouse
}

// gauge collects the Stats of one statement; the transport fills it.
type gauge struct {
	mu    sync.Mutex // guards stats
	stats Stats
}

type gaugeKey struct{}

// measured returns a context whose statement reports to the gauge, over either protocol.
func measured(ctx context.Context) (context.Context, *gauge) {
	g := &gauge{}
	ctx = context.WithValue(ctx, gaugeKey{}, g)
	return clickhouse.Context(ctx, clickhouse.WithProgress(func(p *clickhouse.Progress) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.stats.ReadRows += p.Rows
		g.stats.ReadBytes += p.Bytes
		g.stats.WrittenRows += p.WroteRows
		g.stats.WrittenBytes += p.WroteBytes
		g.stats.Elapsed += p.Elapsed
	})), g
}

func (g *gauge) read() Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stats
}

// meter reads the summary that ClickHouse sends with an answer over HTTP, as a header or, behind a long answer of the
// embedded engine, as a trailer. clickhouse-go itself ignores it.
type meter struct{ next http.RoundTripper }

const summaryHeader = "X-Clickhouse-Summary"

func (m *meter) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := m.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	g, ok := req.Context().Value(gaugeKey{}).(*gauge)
	if !ok {
		return res, nil
	}
	if text := res.Header.Get(summaryHeader); text != "" {
		g.summary(text)
		return res, nil
	}
	res.Body = &trailerBody{ReadCloser: res.Body, res: res, gauge: g}
	return res, nil
}

// CloseIdleConnections lets the client's pool close what it no longer needs.
func (m *meter) CloseIdleConnections() {
	if t, ok := m.next.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

func (g *gauge) summary(text string) {
	var s struct {
		ReadRows     uint64 `json:"read_rows,string"`
		ReadBytes    uint64 `json:"read_bytes,string"`
		WrittenRows  uint64 `json:"written_rows,string"`
		WrittenBytes uint64 `json:"written_bytes,string"`
		ElapsedNS    int64  `json:"elapsed_ns,string"`
	}
	if json.Unmarshal([]byte(text), &s) != nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stats = Stats{s.ReadRows, s.ReadBytes, s.WrittenRows, s.WrittenBytes, time.Duration(s.ElapsedNS)}
}

// trailerBody notices the end of an answer, after which the trailer is known.
type trailerBody struct {
	io.ReadCloser
	res   *http.Response
	gauge *gauge
}

func (b *trailerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		if text := b.res.Trailer.Get(summaryHeader); text != "" {
			b.gauge.summary(text)
		}
	}
	return n, err
}
