package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// minPeers is how many peers are told of: what fewer do would single somebody out.
	minPeers = 5
	// maxPeers bounds the peers of one answer: a month of 200 readers is some 250,000 rows, and a median of more is no better known.
	maxPeers = 200
	// profileDays is the period when none is asked for, maxProfileDays the longest (query.proto).
	profileDays, maxProfileDays = 30, 366
	// maxProfileRows bounds what one answer reads: 200 peers of a year.
	maxProfileRows = 3_000_000
)

// ReaderProfile answers how what a reader does compares with what others of the same department and role do. The group is found in a
// small table of its own; then the rows of the reader and the peers are read in reader order, where each has their own.
func (s *Service) ReaderProfile(ctx context.Context, req *connect.Request[v1.ReaderProfileRequest]) (*connect.Response[v1.ReaderProfileResponse], error) {
	return answer(ctx, s, queryReaderProfile, asksOfPeople, func(ctx context.Context, c proto.Caller) (*v1.ReaderProfileResponse, error) {
		return s.readerProfile(ctx, c, req.Msg)
	})
}

func (s *Service) readerProfile(ctx context.Context, c proto.Caller, m *v1.ReaderProfileRequest) (*v1.ReaderProfileResponse, error) {
	a, err := s.checkProfile(c, m)
	if err != nil {
		return nil, err
	}
	p, around, who, err := s.ground(ctx, a, readerRole)
	if err != nil {
		return nil, err
	}
	defer func() { _ = around.wait() }()
	if err := s.notAsker(ctx, p, around, a, who.idents()); err != nil {
		return nil, err
	}
	res := &v1.ReaderProfileResponse{PeersNeeded: minPeers}
	question := &v1.Question{Reader: a.subject.identifier()}
	if len(who.candidates) > 0 {
		res.Header, res.Candidates, err = p.askBack(ctx, a, who, around, askBackReader, question)
		if err != nil {
			return nil, err
		}
		return res, s.journal(ctx, a.asking, res.Header, question)
	}
	if a.at, err = p.profilePeriod(ctx, a, who.keyed); err != nil {
		return nil, err
	}
	if a.at != around.at {
		_ = around.wait() // what surrounds the period counts
		around = p.backdrop(ctx, a.at)
	}
	if err := p.fillProfile(ctx, a, who, around, res, m); err != nil {
		return nil, err
	}
	question.Subjects, question.Rows = subjects(who.idents()), 1
	return res, s.journal(ctx, a.asking, res.Header, question)
}

func (s *Service) checkProfile(c proto.Caller, m *v1.ReaderProfileRequest) (*listAsk, error) {
	for field, text := range map[string]string{"department": m.Department, "role": m.Role} {
		if err := checkCondition(field, text); err != nil {
			return nil, err
		}
	}
	switch {
	case (m.FromUs == 0) != (m.UntilUs == 0):
		return nil, invalid("from_us", "both ends of the period, or none")
	case m.UntilUs-m.FromUs > maxProfileDays*dayUs:
		return nil, invalid("until_us", "at most 366 days after from_us")
	}
	return s.checkList(c, queryReaderProfile, listFields{
		field: "reader", text: m.Reader, purpose: m.Purpose, questionID: m.QuestionId, zone: m.TimeZone,
		asOf: m.AsOfUs, from: m.FromUs, until: m.UntilUs,
	})
}

// notAsker refuses a question about the asker's own accesses.
func (s *Service) notAsker(ctx context.Context, p *pin, around *backdrop, a *listAsk, readers []ident) error {
	own, err := s.own(ctx, p, around)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(readers, func(id ident) bool { return slices.Contains(own, id.key()) }) {
		return s.keepBack(ctx, a.caller, a.query, a.purpose, p.position, connect.NewError(connect.CodePermissionDenied, errAboutAsker))
	}
	return nil
}

// profilePeriod is the period asked for; else the days that end with the reader's latest.
func (p *pin) profilePeriod(ctx context.Context, a *listAsk, readers []ident) (period, error) {
	if a.at != (period{}) || len(readers) == 0 {
		return a.at, nil
	}
	latest := int64(0)
	params := store.Params{"keys": keysOf(readers), "packed": packedOf(readers)}
	err := p.query(ctx, "profile_latest", params, func(row store.Row) error { return row.Scan(&latest) })
	if err != nil {
		return period{}, fmt.Errorf("find a reader's latest day: %w", err)
	}
	if latest == 0 {
		return a.at, nil
	}
	y, m, d := time.UnixMicro(latest).In(a.zone).Date()
	end := time.Date(y, m, d+1, 0, 0, 0, 0, a.zone)
	return period{end.AddDate(0, 0, -profileDays).UnixMicro(), end.UnixMicro()}, nil
}

// fillProfile compares a reader whose period is known.
func (p *pin) fillProfile(ctx context.Context, a *listAsk, who *identity, around *backdrop, res *v1.ReaderProfileResponse, m *v1.ReaderProfileRequest) error {
	var notes []string
	known := len(who.keyed) > 0 && a.at != (period{})
	if known {
		group, stateless, keys, err := p.profileGroup(ctx, a, who, res, m)
		if err != nil {
			return err
		}
		if stateless > 0 {
			notes = append(notes, fmt.Sprintf("%d of the reader's events state neither department nor role, or were projected before that "+
				"was kept (a rebuild adds it): they are left out.", stateless))
		}
		together, running := errgroup.WithContext(ctx)
		together.Go(func() error { return p.nameGroups(running, a, who, res.Groups, keys) })
		if group != 0 {
			together.Go(func() error { return p.compare(running, a, who, around, group, res) })
		}
		if err := together.Wait(); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		if group != 0 {
			notes = append(notes, peersNote(res))
		}
	}
	if err := p.elsewhereOf(ctx, "elsewhere_reader", who.keyed, a.at); err != nil {
		return err
	}
	var err error
	if res.Header, err = around.header(a.zone, nil, askBackReader.unknown); err != nil {
		return err
	}
	res.Identifiers = who.followed
	if !who.known && p.behind == 0 {
		notes = append(notes, "No event and no context names this reader: nothing is known of them.")
	}
	res.Header.Notes = append(notes, res.Header.Notes...)
	return nil
}

// peersNote says whom the reader is compared with.
func peersNote(res *v1.ReaderProfileResponse) string {
	if res.Peers == 0 {
		return fmt.Sprintf("Fewer than %d other readers acted in this department and role in the period: nothing is told of them, "+
			"because it would single somebody out.", minPeers)
	}
	note := fmt.Sprintf("Compared are accesses that state the same department and role: the reader's and those of %d other readers of the period.", res.Peers)
	if res.Sampled {
		note += " There are more: these were chosen by hash."
	}
	return note
}

// profileGroup lists the reader's groups by their keys, as yet without names, and says which is compared, 0 when there is none, and how many
// events state none.
func (p *pin) profileGroup(
	ctx context.Context, a *listAsk, who *identity, res *v1.ReaderProfileResponse, m *v1.ReaderProfileRequest,
) (group, stateless uint64, keys []uint64, err error) {
	asked := projections.GroupKey(m.Department, m.Role)
	if asked != 0 {
		group, res.Group = asked, &v1.PeerGroup{Department: strings.TrimSpace(m.Department), Role: strings.TrimSpace(m.Role)}
	}
	params := store.Params{"keys": keysOf(who.keyed), "packed": packedOf(who.keyed)}
	params["from"], params["until"] = a.at.bounds(0)
	err = p.query(ctx, "profile_groups", params, func(row store.Row) error {
		var key uint64
		g := &v1.PeerGroup{}
		if err := row.Scan(&key, &g.Events); err != nil {
			return err
		}
		if key == 0 {
			stateless = g.Events
			return nil
		}
		res.Groups = append(res.Groups, g)
		keys = append(keys, key)
		if group == 0 || key == asked {
			group, res.Group = key, g
		}
		return nil
	})
	if err != nil {
		return 0, 0, nil, fmt.Errorf("find a reader's groups: %w", err)
	}
	return group, stateless, keys, nil
}

// nameGroups names groups of a reader by their keys.
func (p *pin) nameGroups(ctx context.Context, a *listAsk, who *identity, groups []*v1.PeerGroup, keys []uint64) error {
	if len(keys) == 0 {
		return nil
	}
	params := a.at.utcDays()
	params["keys"], params["packed"], params["groups"] = keysOf(who.keyed), packedOf(who.keyed), keys
	err := p.query(ctx, "profile_group_names", params, func(row store.Row) error {
		var key uint64
		var department, role string
		err := row.Scan(&key, &department, &role)
		if i := slices.Index(keys, key); i >= 0 {
			groups[i].Department, groups[i].Role = department, role
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("name a reader's groups: %w", err)
	}
	return nil
}

// utcDays are the days that a bounded period touches, as rollups have them.
func (p period) utcDays() store.Params {
	day := func(us int64) string { return time.UnixMicro(us).UTC().Format(time.DateOnly) }
	margin := maxPair.Microseconds()
	return store.Params{"from_day": day(p.from - margin), "to_day": day(p.until + margin)}
}

// compare fills in what the reader and the peers did in a group.
func (p *pin) compare(ctx context.Context, a *listAsk, who *identity, around *backdrop, group uint64, res *v1.ReaderProfileResponse) error {
	sources, err := around.sources()
	if err != nil {
		return err
	}
	var peers []ident
	var judged bool
	together, running := errgroup.WithContext(ctx)
	together.Go(func() (err error) { peers, res.Sampled, err = p.peers(running, a, group); return err })
	together.Go(func() (err error) { judged, err = p.judgedAny(running); return err })
	if err := together.Wait(); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	linked, err := p.humans(ctx, slices.Concat(who.keyed, peers), sources)
	if err != nil {
		return err
	}
	c := newComparison(a, linked, who.keyed)
	if c.enrol(peers) {
		res.Sampled = true
	}
	if err := p.profileRows(ctx, a, group, judged, c); err != nil {
		return err
	}
	c.tell(res)
	return nil
}

// peers are the readers of a group in the period, in the order of a hash; more is true when they are not all.
func (p *pin) peers(ctx context.Context, a *listAsk, group uint64) (list []ident, more bool, err error) {
	params, statement := a.at.utcDays(), "profile_peers"
	params["group"], params["limit"] = group, uint32(maxReaders+1)
	if len(p.limits.Sites) > 0 { // their accesses say who is a peer: chosen from all sites, the peers would tell how many there are elsewhere
		statement = "profile_peers_within"
		params["from"], params["until"] = a.at.bounds(0)
	}
	err = p.query(ctx, statement, params, func(row store.Row) error {
		var packed string
		err := row.Scan(&packed)
		list = append(list, identUnpacked(packed))
		return err
	})
	if err != nil {
		return nil, false, fmt.Errorf("find peers: %w", err)
	}
	return list[:min(len(list), maxReaders)], len(list) > maxReaders, nil
}

// identUnpacked is an identifier as a path table packs it.
func identUnpacked(packed string) ident {
	fields := append(projections.Unpack(packed), "", "")
	return ident{fields[0], fields[1]}
}

// profileRows streams what everybody did to the comparison.
func (p *pin) profileRows(ctx context.Context, a *listAsk, group uint64, judged bool, c *comparison) error {
	ids := c.idents()
	lo, hi := a.at.bounds(maxPair.Microseconds())
	params := store.Params{
		"keys": keysOf(ids), "packed": packedOf(ids), "group": group, "judged": judged, "from": lo, "until": hi, "limit": uint64(maxProfileRows + 1),
	}
	rows := 0
	err := p.query(ctx, "profile_rows", params, func(sr store.Row) error {
		if rows++; rows > maxProfileRows {
			return invalid("until_us", "too much happened in this period: ask for a shorter one")
		}
		var x profiled
		if err := sr.Scan(&x.reader, &x.position, &x.occurred, &x.source, &x.codes, &x.patient, &x.pair, &x.sensitivity, &x.verdict); err != nil {
			return err
		}
		return c.add(&x)
	})
	if err == nil {
		err = c.finish()
	}
	if err != nil {
		return fmt.Errorf("read what a reader and peers did: %w", err)
	}
	return nil
}
