package console

import (
	"context"
	"net/http"
	"time"
	"unicode/utf8"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// findPage asks back: what the text may be, or that nothing is known of it.
type findPage struct {
	Subject string
	Found   []found
	// Others are what it was not found as, to ask for all the same. Among them is what it was not looked for as: a name or title, which no
	// index knows, so that every access of the period is read for it.
	Others []found
	Basis  *basis
}

// found is one meaning of a text.
type found struct{ Path, Title, Detail string }

const (
	// minText is the shortest text that the API looks for in names.
	minText = 3
	// placeDays is how far back a workstation is looked for first: where it is known, it was mostly used lately, and all that it was
	// ever used for need not be read.
	placeDays = 90
)

// probe asks the API whether a text is known in one sense.
type probe struct {
	title string
	to    ask
	ask   func(ctx context.Context) (detail string, h *v1.AnswerHeader, err error)
}

// serveFind asks the API in which senses a text is known. One: its page answers. Several: the asker is asked back.
func (c *Console) serveFind(v *visit) error {
	x, done, err := v.opened(pageFind)
	if done || err != nil {
		return err
	}
	probes := c.probes(x.ask.Subject, x.purpose.text)
	details, headers := make([]string, len(probes)), make([]*v1.AnswerHeader, len(probes))
	group, ctx := errgroup.WithContext(v.r.Context())
	for i, p := range probes {
		group.Go(func() (err error) {
			details[i], headers[i], err = p.ask(ctx)
			if code := connect.CodeOf(err); err != nil && (code == connect.CodeNotFound || code == connect.CodeInvalidArgument) {
				return nil // not known, or not a text of this kind
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err //nolint:wrapcheck // for people as it is
	}
	page := findPage{Subject: x.ask.Subject}
	links := linker{v, x.purpose}
	for i, p := range probes {
		if page.Basis == nil && headers[i] != nil {
			page.Basis = c.basisOf(headers[i])
		}
		if details[i] == "" {
			page.Others = append(page.Others, found{Path: links.to(p.to), Title: p.title})
		} else {
			page.Found = append(page.Found, found{links.to(p.to), p.title, details[i]})
		}
	}
	if utf8.RuneCountInString(x.ask.Subject) >= minText {
		page.Others = append(page.Others, found{Path: links.to(ask{Page: pageAccesses, Search: search{Text: x.ask.Subject}}), Title: "A name or title"})
	}
	if len(page.Found) == 1 {
		v.redirect(page.Found[0].Path)
		return nil
	}
	return v.render(http.StatusOK, "find", page)
}

// probes are the senses of a text, each asked with a page of one row. Every one is a question, and journaled.
func (c *Console) probes(text, why string) []probe {
	one, sense := &v1.Page{Size: 1}, &fieldmaskpb.FieldMask{Paths: []string{"identifiers", "totals"}}
	q := c.cfg.Questions
	list := []probe{
		{"A record", ask{Page: pageRecords, Subject: text}, func(ctx context.Context) (string, *v1.AnswerHeader, error) {
			res, err := q.WhoViewed(ctx, connect.NewRequest(&v1.WhoViewedRequest{Patient: text, Purpose: why, Page: one, ReadMask: sense}))
			if err != nil {
				return "", nil, err //nolint:wrapcheck // for people as it is
			}
			m := res.Msg
			return known(m.Totals.GetAccesses(), len(m.Candidates), len(m.Identifiers), "record"), m.Header, nil
		}},
		{"A reader", ask{Page: pageReaders, Subject: text}, func(ctx context.Context) (string, *v1.AnswerHeader, error) {
			res, err := q.ReaderActivity(ctx, connect.NewRequest(&v1.ReaderActivityRequest{Reader: text, Purpose: why, Page: one, ReadMask: sense}))
			if err != nil {
				return "", nil, err //nolint:wrapcheck // for people as it is
			}
			m := res.Msg
			return known(m.Totals.GetAccesses(), len(m.Candidates), len(m.Identifiers), "reader"), m.Header, nil
		}},
		c.placeProbe(text, why),
	}
	if position, err := proto.ParsePosition(text); err == nil && position.Sequence() > 0 {
		list = append(list, probe{"An event, by its position", ask{Page: pageEvents, Subject: text}, func(ctx context.Context) (string, *v1.AnswerHeader, error) {
			res, err := q.GetEvent(ctx, connect.NewRequest(&v1.GetEventRequest{Event: text, Purpose: why}))
			if err != nil {
				return "", nil, err //nolint:wrapcheck // for people as it is
			}
			return "the journal holds an event there", res.Msg.Header, nil
		}})
	}
	return list
}

// placeProbe looks for a workstation: lately, and if it was not used then, at any time.
func (c *Console) placeProbe(text, why string) probe {
	all := ask{Page: pageAccesses, Search: search{Workstation: text}}
	lately := c.since(all, placeDays)
	return probe{"A workstation", all, func(ctx context.Context) (string, *v1.AnswerHeader, error) {
		detail, h, err := c.searched(ctx, lately, why)
		if err != nil || detail != "" {
			return detail, h, err
		}
		return c.searched(ctx, all, why)
	}}
}

// since is the same for the last days.
func (c *Console) since(a ask, days int) ask {
	a.From = c.cfg.Now().AddDate(0, 0, -days).Truncate(time.Minute).UnixMicro()
	return a
}

// known says what is known of a person, or nothing.
func known(accesses uint64, candidates, identifiers int, noun string) string {
	switch {
	case candidates > 0:
		return count(uint64(candidates), noun, noun+"s") + " with this value"
	case accesses > 0:
		return count(accesses, "access", "accesses")
	case identifiers > 1:
		return "known by its links, without an access"
	}
	return ""
}

// searched says what a search finds, asked for a row; nothing where it finds none.
func (c *Console) searched(ctx context.Context, a ask, why string) (string, *v1.AnswerHeader, error) {
	res, err := c.cfg.Questions.SearchAccesses(ctx, connect.NewRequest(searchRequest(a, why, &v1.Page{Size: 1})))
	if err != nil {
		return "", nil, err //nolint:wrapcheck // for people as it is
	}
	m := res.Msg
	switch {
	case len(m.Accesses) == 0:
		return "", m.Header, nil
	case m.NextPageToken != "":
		return "several accesses", m.Header, nil
	}
	return "1 access", m.Header, nil
}

// searchRequest is a view's search as the API takes it.
func searchRequest(a ask, why string, page *v1.Page) *v1.SearchAccessesRequest {
	s := a.Search
	return &v1.SearchAccessesRequest{
		Purpose: why, Object: s.Object, ObjectType: s.ObjectType, Site: s.Site, Workstation: s.Workstation, NetworkAddress: s.NetworkAddress,
		Source: s.Source, Text: s.Text, Action: v1.Action(s.Action), BreakGlass: s.BreakGlass, Patientless: s.Patientless,
		Unresolved: s.Unresolved, AsOfUs: a.AsOf, FromUs: a.From, UntilUs: a.Until, TimeZone: a.Zone, Page: page,
		Verdicts: verdictsOf(s.Reason),
	}
}
