package console

import (
	"container/list"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// maxViews bounds what one session remembers: a row of a list links to three views, so this is thirty lists of fifty
	// rows. The one that was used least lately is forgotten first.
	maxViews = 5000
	// purposeHolds is how long a stated purpose stands: as long as the API takes questions for one.
	purposeHolds = 15 * time.Minute
	// maxPurposes is how many stated purposes a session offers again.
	maxPurposes = 5
	// maxSaid bounds what waits to be told: each waits for one page to be loaded.
	maxSaid = 20
	// handleBytes is 128 bits of a keyed hash: nobody finds the handle of a record without the session's key.
	handleBytes = 16
)

// ask is what a view shows: which page, about whom or what, and with which conditions. Times are in microseconds.
type ask struct {
	Page string `json:"page"`
	// Subject is a record, a reader, an event or a dead letter, as the API understands it.
	Subject string `json:"subject,omitempty"`
	From    int64  `json:"from,omitempty"`
	Until   int64  `json:"until,omitempty"`
	AsOf    int64  `json:"as_of,omitempty"`
	Zone    string `json:"zone,omitempty"`
	Search  search `json:"search,omitzero"`
	Only    only   `json:"only,omitzero"`
	Scope   scoped `json:"scope,omitzero"`
	// Names is how a report names staff.
	Names int32 `json:"names,omitempty"`
	// Group is whom a reader is compared with; none: the group of most of their accesses.
	Group peerGroup `json:"group,omitzero"`
	// LastDays is a period that goes with the day: today and the days before it, as many as this. From and Until are then of the moment.
	LastDays uint32 `json:"last_days,omitempty"`
	// Needed says of a saved view that a purpose has to be stated before it is opened.
	Needed bool `json:"needed,omitempty"`
}

// only is what WhoViewed can be told to leave out.
type only struct {
	Action     int32  `json:"action,omitempty"`
	Department string `json:"department,omitempty"`
	BreakGlass bool   `json:"break_glass,omitempty"`
	Failed     bool   `json:"failed,omitempty"`
	Deliberate bool   `json:"deliberate,omitempty"`
	// Reason is one of reasonNames; 0: any.
	Reason int32 `json:"reason,omitempty"`
}

// filter is the conditions as the API takes them; nil without any.
func (o only) filter() *v1.AccessFilter {
	if o == (only{}) {
		return nil
	}
	return &v1.AccessFilter{
		Action: v1.Action(o.Action), Department: o.Department, BreakGlass: o.BreakGlass, Failed: o.Failed, WithoutIncidental: o.Deliberate,
		Verdicts: verdictsOf(o.Reason),
	}
}

// search is what SearchAccesses can be told besides times.
type search struct {
	Object         string `json:"object,omitempty"`
	ObjectType     string `json:"object_type,omitempty"`
	Site           string `json:"site,omitempty"`
	Workstation    string `json:"workstation,omitempty"`
	NetworkAddress string `json:"network_address,omitempty"`
	Source         string `json:"source,omitempty"`
	Text           string `json:"text,omitempty"`
	Action         int32  `json:"action,omitempty"`
	// Reason is one of reasonNames; 0: any.
	Reason      int32 `json:"reason,omitempty"`
	BreakGlass  bool  `json:"break_glass,omitempty"`
	Patientless bool  `json:"patientless,omitempty"`
	Unresolved  bool  `json:"unresolved,omitempty"`
}

// purpose is why something is asked, and when that was said.
type purpose struct {
	text   string
	stated time.Time
}

func (p purpose) holds(now time.Time) bool {
	return p.text != "" && now.Sub(p.stated) < purposeHolds
}

// view is an ask under its handle. Handles stand in addresses, so that pages can be reloaded, gone back to and opened
// beside each other, while no address names a person; they mean nothing outside their session.
type view struct {
	handle  string
	ask     ask
	purpose purpose
}

// views are those of one session.
type views struct {
	key [sha256.Size]byte

	mu       sync.Mutex
	byHandle map[string]*list.Element // under mu
	recent   *list.List               // of *view, used last first; under mu
	purposes []string                 // stated last first; under mu
	queue    purpose                  // why the queue of alerts names people; under mu
	said     map[string]said          // what became of commands, by the page that tells it; under mu
	refused  refusedStep              // what was typed last and not journaled; under mu
}

func newViews() (*views, error) {
	v := &views{byHandle: map[string]*list.Element{}, recent: list.New(), said: map[string]said{}}
	if _, err := rand.Read(v.key[:]); err != nil {
		return nil, fmt.Errorf("make a key for handles: %w", err)
	}
	return v, nil
}

// open returns the handle of an ask. A purpose that was stated later than the view's own takes its place: what is linked
// from a page is asked for that page's purpose.
func (v *views) open(a ask, why purpose) (string, error) {
	handle, err := v.handle(a)
	if err != nil {
		return "", err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if why.text != "" {
		v.remember(why.text)
	}
	if e, ok := v.byHandle[handle]; ok {
		v.recent.MoveToFront(e)
		if x := viewOf(e); why.stated.After(x.purpose.stated) {
			x.purpose = why
		}
		return handle, nil
	}
	v.byHandle[handle] = v.recent.PushFront(&view{handle: handle, ask: a, purpose: why})
	for v.recent.Len() > maxViews {
		last := v.recent.Back()
		v.recent.Remove(last)
		delete(v.byHandle, viewOf(last).handle)
	}
	return handle, nil
}

// handle is the same for the same ask, so that reloading a page of links adds nothing.
func (v *views) handle(a ask) (string, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("name a view: %w", err)
	}
	mac := hmac.New(sha256.New, v.key[:])
	mac.Write(text)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:handleBytes]), nil
}

// find returns a copy of the view under a handle, when it belongs to the page.
func (v *views) find(page, handle string) (view, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	e, ok := v.byHandle[handle]
	if !ok || viewOf(e).ask.Page != page {
		return view{}, false
	}
	v.recent.MoveToFront(e)
	return *viewOf(e), true
}

// state notes why a view's question is asked.
func (v *views) state(handle string, why purpose) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := v.byHandle[handle]; ok {
		viewOf(e).purpose = why
	}
	v.remember(why.text)
}

// remember keeps the text to offer it again.
func (v *views) remember(text string) {
	kept := []string{text}
	for _, p := range v.purposes {
		if p != text && len(kept) < maxPurposes {
			kept = append(kept, p)
		}
	}
	v.purposes = kept
}

// stated are purposes to offer, the last one first.
func (v *views) stated() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string(nil), v.purposes...)
}

// nameQueue notes why the queue of alerts is to name people; no purpose: it no longer does.
func (v *views) nameQueue(why purpose) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.queue = why
	if why.text != "" {
		v.remember(why.text)
	}
}

// queuePurpose is why the queue names people, as long as that holds.
func (v *views) queuePurpose(now time.Time) purpose {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.queue.holds(now) {
		return purpose{}
	}
	return v.queue
}

// say keeps what became of a command for the page that follows it; its address may have a query.
func (v *views) say(page string, s said) {
	page, _, _ = strings.Cut(page, "?")
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.said) >= maxSaid {
		clear(v.said) // pages that nobody went on to
	}
	v.said[page] = s
}

// takeSaid is what a page has to tell, once; nil: nothing.
func (v *views) takeSaid(page string) *said {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.said[page]
	if !ok {
		return nil
	}
	delete(v.said, page)
	return &s
}

func viewOf(e *list.Element) *view {
	x, _ := e.Value.(*view)
	return x
}
