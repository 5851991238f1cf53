package console

import (
	"fmt"
	"net/http"
	"net/url"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/dashboards/words"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// deadLettersPage lists what could not become an event. It names nobody.
type deadLettersPage struct {
	Basis           *basis
	Counts          []deadCount
	Letters         []deadRow
	Source, Reason  string
	Retried, MayAsk bool
	Next            string
}

type deadCount struct {
	Source, Reason, Path string
	Letters, Retried     uint64
	First, Last          *moment
}

type deadRow struct {
	Position, Path, Source, Reason, Message, Element, Origin, Place, Size, Format string
	// Retried is the position of the event that a retry made of it.
	Retried  string
	Received *moment
}

func (c *Console) serveDeadLetters(v *visit) error {
	q := v.r.URL.Query()
	page := deadLettersPage{Source: q.Get("source"), Reason: q.Get("reason"), Retried: q.Has("retried"), MayAsk: v.mayAsk()}
	res, err := c.cfg.Questions.ListDeadLetters(v.r.Context(), connect.NewRequest(&v1.ListDeadLettersRequest{
		Source: page.Source, Reason: page.Reason, IncludeRetried: page.Retried, Page: &v1.Page{Size: rowsAPage, Token: q.Get("after")},
	}))
	if err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	at := c.clockOf(res.Msg.Header)
	page.Basis = c.basisOf(res.Msg.Header)
	for _, n := range res.Msg.Counts {
		page.Counts = append(page.Counts, deadCount{
			Source: n.Source, Reason: n.Reason, Letters: n.DeadLetters, Retried: n.Retried, First: at.at(n.FirstUs), Last: at.at(n.LastUs),
			Path: "/dead-letters?" + url.Values{"source": {n.Source}, "reason": {n.Reason}}.Encode(),
		})
	}
	for _, l := range res.Msg.DeadLetters {
		page.Letters = append(page.Letters, v.deadRow(at, l, page.MayAsk))
	}
	if next := res.Msg.NextPageToken; next != "" {
		q.Set("after", next)
		page.Next = "/dead-letters?" + q.Encode()
	}
	return v.render(http.StatusOK, "deadletters", page)
}

func (v *visit) deadRow(at clock, l *v1.DeadLetterRow, mayAsk bool) deadRow {
	r := deadRow{
		Position: fmt.Sprint(l.Position), Source: l.Source, Reason: words.Code(l.Reason), Message: l.Message, Element: l.Element, Origin: l.Origin,
		Size: bytesWord(l.SizeBytes), Format: l.Format, Received: at.at(l.ReceivedUs),
	}
	if l.RetriedPosition > 0 {
		r.Retried = fmt.Sprint(l.RetriedPosition)
	}
	if l.Line > 0 {
		r.Place = fmt.Sprintf("line %d", l.Line)
		if l.Column > 0 {
			r.Place += fmt.Sprintf(", column %d", l.Column)
		}
	}
	if mayAsk {
		r.Path = linker{v, purpose{}}.to(ask{Page: pageDeadLetters, Subject: r.Position})
	}
	return r
}

// deadLetterPage is one dead letter with its original.
type deadLetterPage struct {
	Handle, Purpose string
	Letter          deadRow
	// Event is the path of the event that a retry made of it.
	Event    string
	Original original
	Basis    *basis
}

func (c *Console) askDeadLetter(v *visit) (view, *v1.GetDeadLetterResponse, bool, error) {
	x, done, err := v.opened(pageDeadLetters)
	if done || err != nil {
		return x, nil, true, err
	}
	res, err := c.cfg.Questions.GetDeadLetter(v.r.Context(), connect.NewRequest(&v1.GetDeadLetterRequest{DeadLetter: x.ask.Subject, Purpose: x.purpose.text}))
	if err != nil {
		return x, nil, true, err //nolint:wrapcheck // for people as it is
	}
	return x, res.Msg, false, nil
}

func (c *Console) serveDeadLetter(v *visit) error {
	x, m, done, err := c.askDeadLetter(v)
	if done || err != nil {
		return err
	}
	page := deadLetterPage{
		Handle: x.handle, Purpose: x.purpose.text, Letter: v.deadRow(c.clockOf(m.Header), m.DeadLetter, false),
		Original: originalOf(m.Original, m.MediaType), Basis: c.basisOf(m.Header),
	}
	if page.Letter.Retried != "" {
		page.Event = linker{v, x.purpose}.to(ask{Page: pageEvents, Subject: page.Letter.Retried})
	}
	return v.render(http.StatusOK, "deadletter", page)
}

func (c *Console) serveDeadOriginal(v *visit) error {
	_, m, done, err := c.askDeadLetter(v)
	if done || err != nil {
		return err
	}
	return v.download("dead-letter-"+fmt.Sprint(m.DeadLetter.GetPosition()), m.Original)
}
