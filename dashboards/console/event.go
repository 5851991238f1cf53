package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// eventPage is one event as it was understood and, when asked for, as it came.
type eventPage struct {
	Handle, Purpose string
	Position, ID    string
	Action          string
	When            *moment
	Marks           []mark
	Groups          []group
	Paired          []pairedRow
	Conflict        string
	// Opened is true when the original was asked for.
	Opened   bool
	Original original
	Basis    *basis
}

// group is a heading with what was stated under it. What a source left out is not listed.
type group struct {
	Name  string
	Lines []detail
}

type detail struct {
	Name, Text string
	Person     *person
	When       *moment
}

type pairedRow struct {
	Position, Source, Path string
	When                   *moment
}

// original is what a source sent.
type original struct {
	MediaType, Size, Text string
	// Pretty is true when Text is laid out for reading; the download has the bytes as they came.
	Pretty, Binary, Missing bool
}

// maxShown is how much of an original a page shows; the download has all of it.
const maxShown = 256 << 10

func (c *Console) askEvent(v *visit, x view, withOriginal bool) (*v1.GetEventResponse, error) {
	res, err := c.cfg.Questions.GetEvent(v.r.Context(), connect.NewRequest(&v1.GetEventRequest{
		Event: x.ask.Subject, Purpose: x.purpose.text, Original: withOriginal,
	}))
	if err != nil {
		return nil, err //nolint:wrapcheck // for people as it is
	}
	return res.Msg, nil
}

func (c *Console) serveEvent(v *visit) error {
	x, done, err := v.opened(pageEvents)
	if done || err != nil {
		return err
	}
	opened := v.r.URL.Query().Has("original")
	m, err := c.askEvent(v, x, opened)
	if err != nil {
		return err
	}
	at, links := c.clockOf(m.Header), linker{v, x.purpose}
	e := m.Event
	page := eventPage{
		Handle: x.handle, Purpose: x.purpose.text, Position: fmt.Sprint(m.Position), ID: eventID(e.GetEventId()), When: at.at(e.GetOccurredUs()),
		Action: actionText(&v1.Access{Action: e.GetAction(), ActionCode: e.GetActionCode()}), Basis: c.basisOf(m.Header),
		Groups: groupsOf(e, at, links, m), Opened: opened, Marks: marksOf(&v1.Access{
			BreakGlass: e.GetBreakGlass(), Outcome: e.GetOutcome(), Mode: e.GetMode(), Sensitivity: e.GetSensitivity(), Flags: e.GetFlags(), Paired: m.Paired,
		}),
	}
	page.Basis.From, page.Basis.Until = nil, nil // the moment of the event, which stands above
	if len(m.ConflictsWith) > 0 {
		page.Conflict = eventID(m.ConflictsWith)
	}
	for _, p := range m.Paired {
		position := fmt.Sprint(p.Position)
		page.Paired = append(page.Paired, pairedRow{position, p.Source, links.to(ask{Page: pageEvents, Subject: position}), at.at(p.OccurredUs)})
	}
	if opened {
		page.Original = originalOf(m.Original, m.MediaType)
	}
	return v.render(http.StatusOK, "event", page)
}

func eventID(raw []byte) string {
	id, err := proto.EventIDFromBytes(raw)
	if err != nil {
		return ""
	}
	return id.String()
}

// serveOriginal sends the bytes as they came, to be kept in a file and not shown.
func (c *Console) serveOriginal(v *visit) error {
	x, done, err := v.opened(pageEvents)
	if done || err != nil {
		return err
	}
	m, err := c.askEvent(v, x, true)
	if err != nil {
		return err
	}
	return v.download("event-"+fmt.Sprint(m.Position), m.Original)
}

// download sends bytes that no browser will take for a page, under a name of ours.
func (v *visit) download(name string, data []byte) error {
	if len(data) == 0 {
		return refusal{http.StatusNotFound, "There is no original", "Nothing was sealed beside this entry, or its key was destroyed."}
	}
	h := v.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + ".bin"}))
	_, _ = v.w.Write(data) // the browser may be gone
	return nil
}

// originalOf lays JSON out for reading and shows other text as it is.
func originalOf(data []byte, mediaType string) original {
	o := original{MediaType: mediaType, Size: bytesWord(uint64(len(data))), Missing: len(data) == 0}
	shown := data
	var laid bytes.Buffer
	if strings.Contains(mediaType, "json") && json.Indent(&laid, data, "", "  ") == nil {
		shown, o.Pretty = laid.Bytes(), true
	}
	if len(shown) > maxShown {
		shown = bytes.ToValidUTF8(shown[:maxShown], nil)
	}
	if !utf8.Valid(shown) {
		o.Binary = true
		return o
	}
	o.Text = string(shown)
	return o
}

// sheet collects what was stated.
type sheet struct{ lines []detail }

func (s *sheet) text(name, text string) {
	if text != "" {
		s.lines = append(s.lines, detail{Name: name, Text: text})
	}
}

func (s *sheet) when(name string, at *moment) {
	if at != nil {
		s.lines = append(s.lines, detail{Name: name, When: at})
	}
}

func (s *sheet) person(name string, p person) {
	if p.Known() {
		s.lines = append(s.lines, detail{Name: name, Person: &p})
	}
}

// coding writes a code for people, with the code itself.
func coding(c *v1.Coding) string {
	switch {
	case c.GetDisplay() == "" || c.GetDisplay() == c.GetCode():
		return c.GetCode()
	case c.GetCode() == "":
		return c.GetDisplay()
	}
	return c.GetDisplay() + " (" + c.GetCode() + ")"
}

func codings(list []*v1.Coding) string {
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = coding(c)
	}
	return strings.Join(texts, ", ")
}
