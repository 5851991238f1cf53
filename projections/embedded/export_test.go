package embedded

import (
	"context"
	"io"
	"maps"
	"time"
	"unsafe"
)

// Statement shows what the lexer found, to tests.
type Statement struct {
	Keyword, Format                                          string
	Inline, File, Several, ReadOnly, Streamable, SessionOnly bool
}

// Scan runs the lexer.
func Scan(query string) Statement {
	st := scanStatement(query)
	return Statement{st.keyword, st.format, st.inline, st.file, st.several, st.readOnly(), st.streamable(), st.sessionOnly()}
}

// QuoteString and QuoteName are how text gets into statements.
var (
	QuoteString = quoteString
	QuoteName   = quoteName
)

// NewFrameReader undoes ClickHouse's block framing.
func NewFrameReader(r io.Reader) io.Reader { return newFrameReader(r) }

// Password is the one of User.
func (e *Engine) Password() string { return e.serve.Password }

// WithoutConfinement lets the engine's process reach what its user can.
func WithoutConfinement(cfg *Config) { cfg.unconfined = true }

// DeafAfter bounds how long a statement may go on once it was told to stop.
func DeafAfter(cfg *Config, d time.Duration) { cfg.deafAfter = d }

// HangingOrder gives an order to stop to an engine in which it does not come back until ctx ends; the channel is closed when the engine is
// given up.
func HangingOrder(ctx context.Context, deafAfter time.Duration) <-chan struct{} {
	lib := &library{query: func(uintptr, unsafe.Pointer, uintptr, unsafe.Pointer, uintptr, unsafe.Pointer, unsafe.Pointer, unsafe.Pointer, unsafe.Pointer, uintptr) uintptr {
		<-ctx.Done()
		return 0
	}}
	p := newEmptyPool(lib, nil, 0, deafAfter)
	p.controlConn = &session{lib: lib}
	go p.kill(tagPrefix)
	return p.deaf
}

// Acquired says which of the free sessions, by their settings, a statement with these settings gets, and how many stay free.
func Acquired(ctx context.Context, free []map[string]string, settings map[string]string) (chosen map[string]string, left int, err error) {
	p := newEmptyPool(&library{}, nil, len(free), time.Second)
	for _, s := range free {
		p.free <- &session{settings: s}
	}
	s, err := p.acquire(ctx, settings)
	if err != nil {
		return nil, 0, err
	}
	return s.settings, len(p.free), nil
}

// Changes is how often a session's settings are changed when statements with these settings run one after the other on a pool of some sessions.
func Changes(ctx context.Context, sessions int, statements []map[string]string) (n int, err error) {
	p := newEmptyPool(&library{}, nil, sessions, time.Second)
	for range sessions {
		p.free <- &session{}
	}
	for _, settings := range statements {
		s, err := p.acquire(ctx, settings)
		if err != nil {
			return n, err
		}
		if !maps.Equal(s.settings, settings) {
			n++
		}
		s.settings = settings
		p.release(s)
	}
	return n, nil
}
