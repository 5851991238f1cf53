package console

import (
	"bytes"

	"github.com/readtrail/readtrail/proto"
)

// AllVisible is a page as it leaves; EachVisible the same, character by character.
func AllVisible(page []byte) []byte { return allVisible(page) }

// EachVisible is what AllVisible is to be.
func EachVisible(page []byte) []byte { return bytes.Map(visible, page) }

// Route is a line of the table of pages, as tests walk it.
type Route struct {
	Pattern string
	// May says who may see it; nil: anybody.
	May func(proto.Caller) bool
}

// Routes are all of them.
func (c *Console) Routes() []Route {
	var out []Route
	for _, p := range c.pages() {
		out = append(out, Route{p.pattern, p.may})
	}
	return out
}

// AssetPaths are the addresses of what is embedded.
func (c *Console) AssetPaths() []string {
	var out []string
	for _, a := range c.assets {
		out = append(out, a.path)
	}
	return out
}

// Sessions is how many are held.
func (c *Console) Sessions() int { return c.sessions.count() }

// Begin begins a session as a sign-in does, and returns the id that a browser would hold.
func (c *Console) Begin(caller proto.Caller) (id string, err error) {
	return c.sessions.begin(identity{caller: caller, way: "test"}, "")
}

// Holds reports whether a session is still there.
func (c *Console) Holds(id string) bool { return c.sessions.find(id, false) != nil }

// What bounds them.
const (
	MaxSessions    = maxSessions
	MaxRespondents = maxRespondents
	MaxViews       = maxViews
	// StreamsASession is how many a session may listen to.
	StreamsASession = streamsASession
)

// Understood is what the search box makes of a text: the page, and the one field of it that the text stands in.
func Understood(code, text string) (page, subject, workstation, name string) {
	a := understood(code, text)
	return a.Page, a.Subject, a.Search.Workstation, a.Search.Text
}
