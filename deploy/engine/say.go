package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// say talks to the person at the terminal, or in plain lines to a log.
type say struct {
	w        io.Writer
	terminal bool
}

func newSay(w io.Writer) *say {
	s := &say{w: w}
	if f, ok := w.(*os.File); ok {
		s.terminal = term.IsTerminal(int(f.Fd()))
	}
	return s
}

func (s *say) line(format string, args ...any) { _, _ = fmt.Fprintf(s.w, format+"\n", args...) }

// How often progress is shown.
const (
	terminalEvery = 100 * time.Millisecond
	plainEvery    = 5 * time.Second
	barWidth      = 30
)

// bar shows how far something has come. It counts what is written to it, or is set. It is safe for concurrent use.
type bar struct {
	say   *say
	what  string
	total int64 // 0 when nobody knows

	mu    sync.Mutex // guards the fields below
	now   int64
	start time.Time
	shown time.Time
}

func (s *say) bar(what string, total int64) *bar {
	now := time.Now()
	return &bar{say: s, what: what, total: total, start: now, shown: now}
}

func (b *bar) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now += int64(len(p))
	b.show(false)
	return len(p), nil
}

func (b *bar) set(now int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = max(b.now, now)
	if b.total > 0 {
		b.now = min(b.now, b.total)
	}
	b.show(false)
}

// done shows the end.
func (b *bar) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.total > 0 {
		b.now = b.total
	}
	b.show(true)
}

// show is called with mu held.
func (b *bar) show(last bool) {
	every := plainEvery
	if b.say.terminal {
		every = terminalEvery
	}
	if !last && time.Since(b.shown) < every {
		return
	}
	b.shown = time.Now()
	rate := float64(b.now) / max(time.Since(b.start).Seconds(), 0.001)
	text := fmt.Sprintf("%-11s %8s", b.what, size(b.now))
	if b.total > 0 {
		part := min(float64(b.now)/float64(b.total), 1)
		if b.say.terminal {
			full := int(part * barWidth)
			text += " [" + strings.Repeat("=", full) + strings.Repeat(" ", barWidth-full) + "]"
		}
		text += fmt.Sprintf(" %3.0f%% of %s", part*100, size(b.total))
	}
	text += fmt.Sprintf(", %s/s", size(int64(rate)))
	switch {
	case b.say.terminal && last:
		_, _ = fmt.Fprintf(b.say.w, "\r\x1b[K%s\n", text)
	case b.say.terminal:
		_, _ = fmt.Fprintf(b.say.w, "\r\x1b[K%s", text)
	default:
		b.say.line("%s", text)
	}
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1_000_000_000:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1_000_000:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.0f kB", float64(n)/1e3)
}
