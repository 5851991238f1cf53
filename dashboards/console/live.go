package console

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
)

const (
	// streamsASession leaves two of the six connections that a browser opens to one origin for everything else.
	streamsASession = 4
	// maxStreams bounds what looking costs: 32 lists every five seconds are 6 a second of some 20 ms.
	maxStreams = 32
	// streamWrite ends a stream whose browser takes nothing: what is written is a few bytes.
	streamWrite = 10 * time.Second
	// streamMisses is how often in a row the queue may not be found before the stream ends and the browser begins anew.
	streamMisses = 3
)

// streams are the open streams to browsers.
type streams struct {
	mu        sync.Mutex
	all       int              // under mu
	bySession map[*session]int // under mu
	closing   chan struct{}
	once      sync.Once
}

func newStreams() *streams {
	return &streams{bySession: map[*session]int{}, closing: make(chan struct{})}
}

func (s *streams) close() { s.once.Do(func() { close(s.closing) }) }

// enter takes a place, or says that there is none.
func (s *streams) enter(of *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= maxStreams || s.bySession[of] >= streamsASession {
		return false
	}
	s.all++
	s.bySession[of]++
	return true
}

func (s *streams) leave(of *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.bySession[of]--; s.bySession[of] == 0 {
		delete(s.bySession, of)
	}
}

// serveLive tells a browser when the part of the queue that it shows is another, as server-sent events. What changed is not in the
// stream: the page asks for it, by names only for the purpose that was stated. A stream does not keep its session alive, and ends with it.
func (c *Console) serveLive(v *visit) error {
	if !c.streams.enter(v.session) {
		return refusal{http.StatusServiceUnavailable, "Too many pages are live", "Close some, or reload this one to see what is new."}
	}
	defer c.streams.leave(v.session)
	a, mark := queueOf(v.r.URL.Query()), v.r.URL.Query().Get("mark")
	now, err := c.lookAt(v.r.Context(), a)
	if v.r.Context().Err() != nil {
		return nil // the browser is gone
	}
	if err != nil {
		return err
	}
	out := stream{w: v.w, to: http.NewResponseController(v.w)}
	h := v.w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // proxies pass it on at once
	if v.r.Method == http.MethodHead {
		return nil
	}
	defer func() { _ = out.to.SetWriteDeadline(time.Time{}) }()
	if err := out.write("retry: 3000\n\n"); err != nil {
		return nil // the browser is gone
	}
	tick, end, missed := time.NewTicker(c.cfg.LiveEvery), time.NewTimer(c.cfg.LiveMax), 0
	defer tick.Stop()
	defer end.Stop()
	for {
		text := ": still here\n\n"
		if now != mark {
			mark, text = now, "event: changed\ndata: "+now+"\n\n"
		}
		if err := out.write(text); err != nil {
			return nil // the browser is gone
		}
		select {
		case <-v.r.Context().Done():
			return nil
		case <-c.streams.closing:
			return nil
		case <-v.session.over:
			_ = out.write("event: over\ndata: \n\n") // the browser may be gone
			return nil
		case <-end.C:
			return nil
		case <-tick.C:
		}
		if c.sessions.find(c.sessionID(v.r), false) == nil {
			continue // over is closed
		}
		switch next, err := c.lookAt(v.r.Context(), a); {
		case err == nil:
			now, missed = next, 0
		case missed+1 == streamMisses:
			return nil
		default:
			missed++
		}
	}
}

// lookAt marks the first page of the queue as it is. Nobody is named, so it is no question: the API summarises it.
func (c *Console) lookAt(ctx context.Context, a queueAsk) (string, error) {
	ctx = proto.WithGlass(ctx, "") // nobody looks here: under a broken glass each look would be a question of its own
	res, err := c.cfg.Alerts.ListAlerts(ctx, connect.NewRequest(c.queueRequest(a, c.cfg.Now(), "", "")))
	if err != nil {
		return "", fmt.Errorf("look at the queue: %w", err)
	}
	return markOf(res.Msg), nil
}

// stream writes parts that leave at once.
type stream struct {
	w  http.ResponseWriter
	to *http.ResponseController
}

func (s stream) write(text string) error {
	if err := s.to.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := s.to.Flush(); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}
