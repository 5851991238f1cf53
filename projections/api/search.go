package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// minText is the shortest text to search for, in characters: fewer match nearly everything.
const minText = 3

// maxSearched bounds the reports that one page looks into for a verdict (query.proto): five statements with the verdicts of 10,000.
const maxSearched = 50_000

// SearchAccesses finds events by object, place, source and the like. Reports are listed one by one: what pairs with one
// may lie outside the conditions, so pairs are shown by GetEvent.
func (s *Service) SearchAccesses(ctx context.Context, req *connect.Request[v1.SearchAccessesRequest]) (*connect.Response[v1.SearchAccessesResponse], error) {
	return answer(ctx, s, querySearchAccesses, asksOfPeople, func(ctx context.Context, c proto.Caller) (*v1.SearchAccessesResponse, error) {
		return s.searchAccesses(ctx, c, req.Msg)
	})
}

// searchAsk is a search, checked.
type searchAsk struct {
	*asking
	m *v1.SearchAccessesRequest
	// object is read like a patient: "system|value", "DocumentReference/7", a URL, a bare value.
	object Subject
	at     period
	size   int
	zone   *time.Location
	// verdicts are those that the page is narrowed to; none: any.
	verdicts verdictSet
	hash     [8]byte
	token    PageToken
}

func (s *Service) checkSearch(c proto.Caller, m *v1.SearchAccessesRequest) (*searchAsk, error) {
	a := &searchAsk{m: m, at: period{m.FromUs, m.UntilUs}}
	conditions := []struct{ field, value string }{
		{"object_type", m.ObjectType},
		{"site", m.Site},
		{"workstation", m.Workstation},
		{"network_address", m.NetworkAddress},
		{"source", m.Source},
		{"text", m.Text},
	}
	some := m.Action != v1.Action_ACTION_UNSPECIFIED || m.BreakGlass || m.Patientless || m.Unresolved
	some = some || m.Object != ""
	parts := []string{querySearchAccesses, m.Object}
	for _, x := range conditions {
		if err := checkCondition(x.field, x.value); err != nil {
			return nil, err
		}
		some = some || x.value != ""
		parts = append(parts, x.value)
	}
	switch {
	case !some:
		return nil, invalid("conditions", "name at least one besides the time")
	case m.Text != "" && utf8.RuneCountInString(m.Text) < minText:
		return nil, invalid("text", "at least 3 characters")
	case m.Action < 0 || m.Action > 255:
		return nil, invalid("action", "unknown")
	case m.Patientless && m.Unresolved:
		return nil, invalid("unresolved", "an event names no patient, or an unresolved one")
	}
	if err := checkPeriod(s.cfg.Now(), a.at, m.AsOfUs); err != nil {
		return nil, err
	}
	var err error
	if a.verdicts, err = wantedVerdicts("verdicts", m.Verdicts); err != nil {
		return nil, err
	}
	if m.Object != "" {
		if a.object, err = checkSubject("object", m.Object); err != nil {
			return nil, err
		}
	}
	if a.size, err = pageSize(m.Page); err != nil {
		return nil, err
	}
	if a.zone, err = s.zone(m.TimeZone); err != nil {
		return nil, err
	}
	for _, n := range []int64{int64(m.Action), m.AsOfUs, m.FromUs, m.UntilUs} {
		parts = append(parts, strconv.FormatInt(n, 10))
	}
	for _, b := range []bool{m.BreakGlass, m.Patientless, m.Unresolved} {
		parts = append(parts, strconv.FormatBool(b))
	}
	a.hash = questionHash(append(parts, a.verdicts.text())...)
	if a.token, err = parseToken(m.Page.GetToken(), a.hash); err != nil {
		return nil, err
	}
	a.asking, err = s.begin(c, querySearchAccesses, string(a.hash[:]), m.Purpose, m.QuestionId)
	return a, err
}

func (s *Service) searchAccesses(ctx context.Context, c proto.Caller, m *v1.SearchAccessesRequest) (*v1.SearchAccessesResponse, error) {
	a, err := s.checkSearch(c, m)
	if err != nil {
		return nil, err
	}
	p, err := s.pin(ctx, m.AsOfUs, a.token)
	if err != nil {
		return nil, err
	}
	around := p.backdrop(ctx, a.at)
	defer func() { _ = around.wait() }()
	found, err := p.searchPage(ctx, a)
	if err != nil {
		return nil, err
	}
	res := &v1.SearchAccessesResponse{}
	if found.last != nil {
		res.NextPageToken = PageToken{
			Question: a.hash, Version: p.version, Position: p.position, Page: max(a.token.Page, 1) + 1,
			AfterOccurred: found.last.occurred, AfterPosition: found.last.position,
		}.String()
	}
	if res.Accesses, err = p.detailsOfReaders(ctx, found.readers, found.page); err != nil {
		return nil, err
	}
	if err := p.markVerdicts(ctx, res.Accesses); err != nil {
		return nil, err
	}
	if res.Header, err = around.header(a.zone, res.Accesses, "there were such accesses"); err != nil {
		return nil, err
	}
	if found.bounded {
		note := fmt.Sprintf("Of the next %d reports that match, no more have one of these verdicts: older ones follow on the next page.", found.looked)
		res.Header.Notes = append([]string{note}, res.Header.Notes...)
	}
	question := &v1.Question{Rows: uint64(len(res.Accesses)), Subjects: shownPatients(res.Accesses), Patients: recordsShown(res.Accesses)}
	return res, s.journal(ctx, a.asking, res.Header, question)
}

// searchedPage is a page of a search.
type searchedPage struct {
	page []*access
	// readers are the reader keys that it stands under.
	readers []uint64
	// last is what the next page comes after; nil behind the last one.
	last *row
	// bounded: the page ends because of how many reports were looked into.
	bounded bool
	looked  int
}

// searchPage finds a page, newest first. Narrowed to verdicts, it looks into more and more reports at a time until the page is full.
func (p *pin) searchPage(ctx context.Context, a *searchAsk) (searchedPage, error) {
	after := order{maxTime, proto.Position(^uint64(0))}
	if a.token.AfterPosition != 0 {
		after = a.token.after()
	}
	var out searchedPage
	for limit := a.size + 1; ; limit = min(4*limit, verdictChunk) {
		list, readers, err := p.search(ctx, a, after, limit)
		if err != nil {
			return out, err
		}
		left, err := p.narrowed(ctx, a.verdicts, list)
		if err != nil {
			return out, err
		}
		for i, x := range list {
			if _, found := slices.BinarySearch(left, uint64(x.shown.position)); !found && !a.verdicts.none() {
				continue
			}
			if len(out.page) == a.size {
				out.last = out.page[a.size-1].shown
				return out, nil
			}
			out.page = append(out.page, x)
			if !slices.Contains(out.readers, readers[i]) {
				out.readers = append(out.readers, readers[i])
			}
		}
		out.looked += len(list)
		if len(list) < limit {
			return out, nil
		}
		after = list[len(list)-1].shown.order()
		if out.looked >= p.engine.searched {
			out.last, out.bounded = list[len(list)-1].shown, true
			return out, nil
		}
	}
}

// narrowed returns the positions of those reports that have one of some verdicts, sorted.
func (p *pin) narrowed(ctx context.Context, wanted verdictSet, list []*access) ([]uint64, error) {
	if wanted.none() {
		return nil, nil
	}
	v := p.verdicts()
	for _, x := range list {
		v.add(x)
	}
	return v.with(ctx, wanted)
}

// search returns some events, newest first, and of each the reader key that it stands under.
func (p *pin) search(ctx context.Context, a *searchAsk, after order, limit int) ([]*access, []uint64, error) {
	m := a.m
	from, until := a.at.bounds(0)
	s := searching{p: p, limit: limit, params: store.Params{
		"from": from, "until": until, "after_occurred": after.occurred, "after_position": uint64(after.position),
		"site": m.Site, "source": m.Source, "action": uint8(m.Action), "break_glass": m.BreakGlass,
	}}
	var err error
	switch {
	case m.Object != "" || m.ObjectType != "" || m.Text != "" || m.Patientless || m.Unresolved:
		s.params["workstation"], s.params["network_address"] = m.Workstation, m.NetworkAddress
		s.params["object"], s.params["object_system"], s.params["object_exact"] = a.object.Value, a.object.System, a.object.Exact
		s.params["object_type"], s.params["text"] = m.ObjectType, m.Text
		s.params["patientless"], s.params["unresolved"] = m.Patientless, m.Unresolved
		err = s.read(ctx, "search_objects")
	case m.Workstation != "" || m.NetworkAddress != "":
		s.params["workstation"], s.params["network_address"] = m.Workstation, m.NetworkAddress
		place := projections.PlaceKey(projections.PlaceWorkstation, m.Workstation)
		if place == 0 {
			place = projections.PlaceKey(projections.PlaceAddress, m.NetworkAddress)
		}
		err = s.atPlace(ctx, place, from, min(until, after.occurred+1))
	default:
		err = s.read(ctx, "search_places")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("search accesses: %w", err)
	}
	return s.found, s.readers, nil
}

// searching are the events of a search, as they are found.
type searching struct {
	p      *pin
	params store.Params
	limit  int
	found  []*access
	// readers are the reader keys that they stand under.
	readers []uint64
}

// read adds what a statement finds, up to the limit.
func (s *searching) read(ctx context.Context, statement string) error {
	s.params["limit"] = uint32(s.limit - len(s.found))
	return s.p.query(ctx, statement, s.params, func(sr store.Row) error {
		r := &row{}
		var position, codes, reader uint64
		if err := sr.Scan(&position, &r.occurred, &r.received, &codes, &r.patient, &reader); err != nil {
			return err
		}
		r.judge(projections.CodesOf(codes))
		r.position = proto.Position(position)
		s.found = append(s.found, &access{shown: r})
		s.readers = append(s.readers, reader)
		return nil
	})
}
