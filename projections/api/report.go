package api

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// AccessReport answers a patient's question: who looked at my data? It is who-viewed in plain words, with staff named as far as
// was asked for.
func (x *ScopeService) AccessReport(ctx context.Context, req *connect.Request[v1.AccessReportRequest]) (*connect.Response[v1.AccessReportResponse], error) {
	return answerWithin(ctx, x.s, answerTimeout, queryAccessReport, func(ctx context.Context, c proto.Caller) (*v1.AccessReportResponse, error) {
		return x.s.accessReport(ctx, c, req.Msg)
	})
}

func (s *Service) accessReport(ctx context.Context, c proto.Caller, m *v1.AccessReportRequest) (*v1.AccessReportResponse, error) {
	switch m.Names {
	case v1.AccessReportRequest_NAMES_NONE, v1.AccessReportRequest_NAMES_PSEUDONYM, v1.AccessReportRequest_NAMES_FULL:
	default:
		return nil, invalid("names", "none, pseudonym or full")
	}
	a, err := s.checkList(c, queryAccessReport, listFields{
		field: "patient", text: m.Patient, purpose: m.Purpose, questionID: m.QuestionId, zone: m.TimeZone,
		asOf: m.AsOfUs, from: m.FromUs, until: m.UntilUs, page: m.Page,
	})
	if err != nil {
		return nil, err
	}
	p, around, who, err := s.ground(ctx, a, patientRole)
	if err != nil {
		return nil, err
	}
	defer func() { _ = around.wait() }()
	res := &v1.AccessReportResponse{}
	question := &v1.Question{Patient: a.subject.identifier()}
	if len(who.candidates) > 0 {
		res.Header, res.Candidates, err = p.askBack(ctx, a, who, around, askBackRecord, question)
		if err != nil {
			return nil, err
		}
		return res, s.journal(ctx, a.asking, res.Header, question)
	}
	seen := &v1.WhoViewedResponse{}
	if err := p.fillRecord(ctx, a, who, around, seen, question); err != nil {
		return nil, err
	}
	r := &reporter{s: s, pin: p, names: m.Names, subject: who.idents()}
	if err := r.report(ctx, a, around, seen, res); err != nil {
		return nil, err
	}
	question.Rows = uint64(len(res.Accesses) + len(res.Looks))
	return res, s.journal(ctx, a.asking, res.Header, question)
}

// reporter tells accesses in plain words.
type reporter struct {
	s       *Service
	pin     *pin
	names   v1.AccessReportRequest_Names
	subject []ident
	linked  *humans
	sources []*source
}

func (r *reporter) report(ctx context.Context, a *listAsk, around *backdrop, seen *v1.WhoViewedResponse, res *v1.AccessReportResponse) error {
	var err error
	if r.sources, err = around.all(); err != nil {
		return err
	}
	if r.names == v1.AccessReportRequest_NAMES_PSEUDONYM {
		if err := r.link(ctx, seen.Accesses); err != nil {
			return err
		}
	}
	res.Header, res.Identifiers, res.Totals = seen.Header, seen.Identifiers, seen.Totals
	res.LooksTotal, res.NextPageToken = seen.LooksTotal, seen.NextPageToken
	for _, x := range seen.Accesses {
		told, err := r.access(ctx, x)
		if err != nil {
			return err
		}
		res.Accesses = append(res.Accesses, told)
	}
	for _, l := range seen.Looks {
		res.Looks = append(res.Looks, r.look(l))
	}
	res.Notes = r.notes(a, seen.Header)
	return nil
}

// link finds which of the page's readers are one human: one human has one pseudonym.
func (r *reporter) link(ctx context.Context, accesses []*v1.Access) (err error) {
	var readers []ident
	for _, x := range accesses {
		for _, id := range x.GetReader().GetIdentifiers() {
			if !slices.Contains(readers, identOf(id)) {
				readers = append(readers, identOf(id))
			}
		}
	}
	r.linked, err = r.pin.humans(ctx, readers, r.sources)
	return err
}

func (r *reporter) access(ctx context.Context, x *v1.Access) (*v1.ReportedAccess, error) {
	by := x.GetReader()
	out := &v1.ReportedAccess{
		OccurredUs: x.OccurredUs, Who: r.who(x), Role: roleWord(by), Department: by.GetDepartment(), Organization: x.Organization,
		What: actionWord(x.Action), Data: dataWords(x.Objects), Purposes: purposeWords(x.Purposes), Origin: origin(x.Source, x.Site),
		Emergency: x.BreakGlass, Failed: x.Outcome > v1.Outcome_OUTCOME_SUCCESS, Incidental: x.Mode == v1.AccessMode_ACCESS_MODE_INCIDENTAL,
		Own: isOwn(by),
	}
	if r.names == v1.AccessReportRequest_NAMES_FULL && x.Workstation != "" {
		out.Origin += ", workstation " + x.Workstation
	}
	if x.Action != v1.Action_ACTION_DISCLOSE && x.Action != v1.Action_ACTION_EXPORT {
		return out, nil
	}
	// Whom data were passed on to stands in the event alone: few accesses pass any on.
	e, err := r.s.entry(ctx, "event", proto.Position(x.Position).String(), v1.Kind_KIND_ACCESS)
	if err != nil {
		return nil, fmt.Errorf("read whom data were passed on to: %w", err)
	}
	if d := e.item.GetAccess().GetDisclosure(); d != nil {
		out.Recipient = orText(d.RecipientName, d.GetRecipient().GetValue())
	}
	return out, nil
}

func isOwn(by *v1.Reader) bool {
	return by.GetType() == v1.ReaderType_READER_TYPE_PATIENT || by.GetType() == v1.ReaderType_READER_TYPE_RELATED_PERSON
}

// who names whoever did it, as far as was asked for. Systems and organisations are no staff: they are always named.
func (r *reporter) who(x *v1.Access) string {
	by := x.GetReader()
	full := by.GetName()
	if full == "" && len(by.GetIdentifiers()) > 0 {
		full = by.Identifiers[0].Value
	}
	switch by.GetType() {
	case v1.ReaderType_READER_TYPE_PATIENT:
		return "you, or somebody with your access"
	case v1.ReaderType_READER_TYPE_RELATED_PERSON:
		return "somebody who acts for you"
	case v1.ReaderType_READER_TYPE_APPLICATION, v1.ReaderType_READER_TYPE_ORGANIZATION:
		return orText(full, "not named by the system")
	}
	switch {
	case full == "":
		return "not named by the system"
	case r.names == v1.AccessReportRequest_NAMES_FULL:
		return full
	case r.names == v1.AccessReportRequest_NAMES_PSEUDONYM:
		return r.pseudonym(x)
	}
	return ""
}

// pseudonym names a human by a code that is the same throughout this report and in no other. It is keyed by a secret of this
// process: whoever has a list of all staff cannot try them one by one.
func (r *reporter) pseudonym(x *v1.Access) string {
	id := ident{"source:" + x.Source + "#name", x.GetReader().GetName()}
	if ids := x.GetReader().GetIdentifiers(); len(ids) > 0 {
		id = r.linked.least(identOf(ids[0]))
	}
	h := hmac.New(sha256.New, r.s.reportKey[:])
	subject := slices.Clone(r.subject)
	slices.SortFunc(subject, compareIdents)
	for _, of := range append(subject, id) {
		fmt.Fprintf(h, "%q %q\n", of.system, of.value)
	}
	fmt.Fprintln(h, r.pin.position)
	code := base32.StdEncoding.EncodeToString(h.Sum(nil))
	return "Person " + code[:4] + "-" + code[4:8]
}

// least is the first of the identifiers of the human behind one, in a fixed order: it does not hang on which others were asked
// about together.
func (h *humans) least(id ident) ident {
	root := h.of(id)
	least := id
	for other := range h.walk.group {
		if h.of(other) == root && compareIdents(other, least) < 0 {
			least = other
		}
	}
	return least
}

func (r *reporter) look(l *v1.Look) *v1.ReportedLook {
	out := &v1.ReportedLook{AskedUs: l.AskedUs, Role: roleName(l.Role)}
	switch r.names {
	case v1.AccessReportRequest_NAMES_FULL:
		// What an investigator typed may name somebody.
		out.Who, out.Purpose = l.Asker, l.Purpose
	case v1.AccessReportRequest_NAMES_PSEUDONYM:
		out.Who = r.pseudonym(&v1.Access{Source: "readtrail", Reader: &v1.Reader{Name: l.Asker}})
	}
	return out
}

// notes say in plain words what the report rests on.
func (r *reporter) notes(a *listAsk, h *v1.AnswerHeader) []string {
	at := func(us int64) string { return plainTime(us, a.zone) }
	notes := []string{"This report lists every access to your record that the systems below told us of, up to " + at(h.AsOfUs) +
		". Times are those of " + a.zone.String() + "."}
	if h.Limits != nil {
		further := "further accesses to your record, if there were any,"
		switch {
		case h.ElsewhereCounted && a.at == period{}:
			further = fmt.Sprintf("%d further reports of accesses to your record", h.Elsewhere)
		case h.ElsewhereCounted:
			further = fmt.Sprintf("further reports of accesses to your record (%d, counted over whole days)", h.Elsewhere)
		}
		notes = []string{fmt.Sprintf("This report is not complete. Whoever made it may see %s only: %s are not in it, nor is who examined this trail. "+
			"Ask for a complete one. It was made of what was known at %s; times are those of %s.", r.pin.limits.Text(), further, at(h.AsOfUs), a.zone.String())}
	}
	if a.at != (period{}) {
		from, until := "the beginning", "now"
		if a.at.from != 0 {
			from = at(a.at.from)
		}
		if a.at.until != 0 {
			until = at(a.at.until)
		}
		notes = append(notes, "You asked about the time from "+from+" until "+until+".")
	}
	if len(h.Coverage) == 0 {
		notes = append(notes, "No system has told us of any access yet. That does not mean that nobody looked: we do not know.")
	}
	for _, c := range h.Coverage {
		text := "The system " + c.Source + " has told us of nothing yet: whether anybody looked at your record there is not known."
		if c.FirstOccurredUs != 0 {
			text = "The system " + c.Source + " has told us of accesses from " + at(c.FirstOccurredUs) + " until " + at(c.LastOccurredUs) +
				". What happened there before and after is not known."
		}
		notes = append(notes, text)
	}
	for i, g := range h.Gaps {
		if i == maxGapNotes {
			notes = append(notes, fmt.Sprintf("There are %d more times in which something may be missing.", len(h.Gaps)-i))
			break
		}
		notes = append(notes, plainGap(g, at))
	}
	if h.UnresolvedEvents > 0 {
		notes = append(notes, fmt.Sprintf("%d accesses name a patient in a way that we could not match to anybody. They are not in this report, "+
			"and could concern you.", h.UnresolvedEvents))
	}
	if h.Behind > 0 {
		notes = append(notes, "The latest accesses are still being processed and may be missing.")
	}
	return append(notes, "Where no reason is given, the system stated none. An access in this report is not by itself improper: most are part of your care.")
}

func plainGap(g *v1.CoverageGap, at func(int64) string) string {
	span := "since " + at(g.FromUs)
	if g.UntilUs != 0 {
		span = "from " + at(g.FromUs) + " until " + at(g.UntilUs)
	}
	switch g.Kind {
	case v1.CoverageFact_KIND_OUTAGE:
		return "This audit system itself did not run " + span + ". Accesses of that time are here as far as the other systems told us of them afterwards."
	case v1.CoverageFact_KIND_CLOCK_SKEW:
		return "The clock of the system " + g.Source + " was wrong " + span + ": its times are off by as much."
	case v1.CoverageFact_KIND_LATENESS:
		return "The system " + g.Source + " told us of accesses late " + span + ": the latest may be missing."
	}
	return "The system " + g.Source + " told us of too little " + span + ": accesses of that time may be missing."
}

func plainTime(us int64, zone *time.Location) string {
	return time.UnixMicro(us).In(zone).Format("2 January 2006, 15:04")
}
