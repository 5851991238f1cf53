package embedded

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// inflight knows the requests from the moment their first byte is understood, which is earlier than the engine does: one
// that still waits for a session, or for its own rows, is not in system.processes and would run after a KILL QUERY for it
// had returned. So a KILL by tag is also carried out here, and leaves a fence behind: a request of that name which was
// sent before the KILL but is read after it (the process was stopped, its socket was full) is refused.
type inflight struct {
	mu       sync.Mutex // guards the fields below
	requests map[*flight]struct{}
	fences   map[string]int64 // tag prefix -> moment of the last KILL, on bootClock
}

type flight struct {
	tag  string
	kill context.CancelFunc
	done chan struct{}
}

// maxFences bounds the names that are remembered; the projections use a handful.
const maxFences = 1024

// begin registers a request. The context ends when it is killed, not when its client goes away.
func (in *inflight) begin(ctx context.Context, tag string) (context.Context, func(), error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for prefix, moment := range in.fences {
		if sent, ok := sentAt(tag, prefix); ok && sent <= moment {
			return nil, nil, refuse(codeQueryWasCancelled, "Query was cancelled before it began")
		}
	}
	killed, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{tag: tag, kill: cancel, done: make(chan struct{})}
	if in.requests == nil {
		in.requests = map[*flight]struct{}{}
	}
	in.requests[f] = struct{}{}
	return killed, func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		delete(in.requests, f)
		cancel()
		close(f.done)
	}, nil
}

// kill ends the requests whose tags begin with a string of a KILL statement that is the beginning of a tag, and waits for
// their end. The statement itself then goes to the engine as well.
func (in *inflight) kill(ctx context.Context, req *request) error {
	var waiting []*flight
	in.mu.Lock()
	for _, prefix := range quotedTags(req.query) {
		if in.fences == nil || len(in.fences) >= maxFences {
			in.fences = map[string]int64{}
		}
		in.fences[prefix] = bootClock()
		for f := range in.requests {
			if strings.HasPrefix(f.tag, prefix) && f.tag != req.tag() {
				f.kill()
				waiting = append(waiting, f)
			}
		}
	}
	in.mu.Unlock()
	for _, f := range waiting {
		select {
		case <-f.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// quotedTags are the strings of a query that are the beginning of a tag and name something.
func quotedTags(query string) []string {
	var tags []string
	for pos := 0; pos < len(query); {
		kind, end := nextToken(query, pos)
		if text := query[pos:end]; kind == tokenQuoted && len(text) > 2 && text[0] == '\'' {
			if text = text[1 : len(text)-1]; len(text) > len(tagPrefix) && strings.HasPrefix(text, tagPrefix) {
				tags = append(tags, text)
			}
		}
		pos = end
	}
	return tags
}

// sentAt reads the moment out of a tag that store.InsertAs has made: name, moment on bootClock, a unique part.
func sentAt(tag, prefix string) (int64, bool) {
	rest, ok := strings.CutPrefix(tag, prefix)
	if !ok {
		return 0, false
	}
	digits, unique, ok := strings.Cut(rest, "-")
	if !ok || strings.Contains(unique, "-") { // another name, which begins like this one
		return 0, false
	}
	moment, err := strconv.ParseInt(digits, 10, 64)
	return moment, err == nil
}

// bootClock is nanoseconds since this machine has started: the same for all of its processes, and never set back.
func bootClock() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(bootClockID, &t); err != nil {
		return 0
	}
	return t.Nano()
}
