package console

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/readtrail/readtrail/proto"
)

const (
	// maxSessions bounds what sessions hold: 200 with maxViews views of about 400 bytes each are 400 MB, were all of them that
	// busy. Beyond it a session of whoever has most of them ends, the one that was idle longest.
	maxSessions = 200
	// maxRespondents bounds the sessions of respondents, who may be all staff, and are counted apart so that they sign nobody else out.
	// They hold no views: about 1 KB each.
	maxRespondents = 2000
)

// identity is who signed in, and how. Each way to sign in ends in one.
type identity struct {
	caller proto.Caller
	// way is the word for it in the log and in metrics: "link".
	way string
}

// session is one signed-in browser.
type session struct {
	identity
	begun time.Time
	views *views
	// before are the alerts and cases of the session that the same person had in this browser before, by their handles.
	before map[string]ask
	// over is closed when the session ends, for what goes on beyond one request.
	over chan struct{}

	mu     sync.Mutex
	used   time.Time   // under mu
	broken brokenGlass // under mu
}

// sessions are kept in memory: a restart signs everybody out. Only digests of the ids that browsers hold are kept.
type sessions struct {
	idle, most time.Duration
	now        func() time.Time

	mu     sync.Mutex
	byID   map[digest]*session // under mu
	lapsed map[digest]lapsed   // those that ended by themselves; under mu
	unsent map[string]unsent   // what was typed in them, by who typed it; under mu
}

func newSessions(cfg Config) *sessions {
	return &sessions{idle: cfg.SessionIdle, most: cfg.SessionMax, now: cfg.Now, byID: map[digest]*session{}, lapsed: map[digest]lapsed{}, unsent: map[string]unsent{}}
}

// begin makes a session under an id that nobody has seen before: one that a browser already had ends, so that an id that
// was planted before signing in is worth nothing afterwards.
func (s *sessions) begin(who identity, old string) (id string, err error) {
	id, sum, err := newSecret()
	if err != nil {
		return "", fmt.Errorf("begin session: %w", err)
	}
	v, err := newViews()
	if err != nil {
		return "", fmt.Errorf("begin session: %w", err)
	}
	who.caller.Local = false // what a browser sends is not what a local process sends
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.before(digestOf(old), who.caller.Name)
	s.drop(digestOf(old))
	s.sweep(now, who.caller)
	s.byID[sum] = &session{identity: who, begun: now, used: now, views: v, before: before, over: make(chan struct{})}
	return id, nil
}

// sweep removes what has expired, and one session when there are too many for another of this caller's kind: respondents and all others
// are bounded apart. It is a session of whoever has most of them, so that nobody loses their only one to somebody's third.
func (s *sessions) sweep(now time.Time, caller proto.Caller) {
	var kind []heldSession
	held := map[string]int{}
	for id, x := range s.byID {
		used, over := s.expired(x, now)
		switch {
		case over:
			s.lapse(id)
		case x.caller.MayLook() == caller.MayLook():
			kind = append(kind, heldSession{id, x.caller.Name, used})
			held[x.caller.Name]++
		}
	}
	most := maxSessions
	if !caller.MayLook() {
		most = maxRespondents
	}
	if len(kind) < most {
		return
	}
	s.lapse(slices.MinFunc(kind, func(a, b heldSession) int {
		return cmp.Or(cmp.Compare(held[b.who], held[a.who]), a.used.Compare(b.used))
	}).id)
}

// heldSession is a session that may have to end for another.
type heldSession struct {
	id   digest
	who  string
	used time.Time
}

// drop ends a session; mu is held.
func (s *sessions) drop(id digest) {
	if x := s.byID[id]; x != nil {
		close(x.over)
		delete(s.byID, id)
	}
}

func (s *sessions) expired(x *session, now time.Time) (used time.Time, over bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.used, now.Sub(x.used) >= s.idle || now.Sub(x.begun) >= s.most
}

// find returns the session with this id. touch marks it as used; what a page asks by itself does not.
func (s *sessions) find(id string, touch bool) *session {
	if id == "" || len(id) > maxSecret {
		return nil
	}
	now, sum := s.now(), digestOf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.byID[sum]
	if x == nil {
		return nil
	}
	if _, over := s.expired(x, now); over {
		s.lapse(sum)
		return nil
	}
	if touch {
		x.mu.Lock()
		x.used = now
		x.mu.Unlock()
	}
	return x
}

// end ends a session at once.
func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.byID[digestOf(id)]; x != nil {
		delete(s.unsent, x.caller.Name) // who signs out leaves nothing
	}
	s.drop(digestOf(id))
}

func (s *sessions) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byID)
}

// cookieName is that of the session's cookie. Over TLS the prefix makes browsers refuse one that another host or path has
// set. In the clear, on loopback, cookies are shared by all ports, so the port tells two servers on one machine apart.
func (c *Console) cookieName(r *http.Request) string {
	if c.cfg.Secure {
		return "__Host-readtrail"
	}
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil || strings.Trim(port, "0123456789") != "" {
		port = "80"
	}
	return "readtrail-" + port
}

func (c *Console) setCookie(w http.ResponseWriter, r *http.Request, id string) {
	cookie := &http.Cookie{ //nolint:gosec // Secure whenever there is TLS; on loopback there is none
		Name: c.cookieName(r), Value: id, Path: "/", HttpOnly: true, Secure: c.cfg.Secure, SameSite: http.SameSiteStrictMode,
	}
	if id == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// sessionID is what the browser sent; of several cookies of the name the first, as browsers order them.
func (c *Console) sessionID(r *http.Request) string {
	cookie, err := r.Cookie(c.cookieName(r))
	if err != nil {
		return ""
	}
	return cookie.Value
}
