package projections_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// generator makes items of every kind from a seed. Its pools are small, so that keys, texts and requests repeat.
type generator struct {
	r *rand.Rand
	// now is the occurred time around which events lie.
	now time.Time
	// turn counts what people decided.
	turn int
	// odd has identifiers, sources and types hold what packed texts are told apart by, and letters that fold in their own way.
	odd bool
}

func newGenerator(seed uint64) *generator {
	return &generator{r: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2024, 5, 1, 8, 0, 0, 123456000, time.UTC)}
}

func pick[T any](g *generator, of ...T) T { return of[g.r.IntN(len(of))] }

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func (g *generator) id() []byte {
	id := make([]byte, proto.EventIDSize)
	for i := range id {
		id[i] = byte(g.r.Uint32())
	}
	return id
}

func (g *generator) identifier(kind string, n int) *v1.Identifier {
	if g.odd {
		return &v1.Identifier{
			System: pick(g, "urn:mrn", "urn:a\x1fb", "\x1e", "a'\\\"", ""),
			Value:  pick(g, kind+"1", "\x1e\x1f\x1eu"+kind, " "+kind+"\u0130\u212A ", "  ", "\x00\n", "\x1er"),
		}
	}
	return &v1.Identifier{
		System: pick(g, "urn:oid:1.2.3", "https://ehr.example/fhir", "source:lab", ""),
		Value:  fmt.Sprintf("%s%d", kind, g.r.IntN(n)),
	}
}

func (g *generator) some(kind string, n, most int) []*v1.Identifier {
	var out []*v1.Identifier
	for range g.r.IntN(most + 1) {
		out = append(out, g.identifier(kind, n))
	}
	return out
}

// item is any item of the journal.
func (g *generator) item() *v1.Item {
	source := pick(g, "ehr", "pacs", "lab")
	if g.odd {
		source = pick(g, "ehr", "e\x1fh\x1er")
	}
	switch n := g.r.IntN(100); {
	case n < 70:
		it := &v1.Item{Body: &v1.Item_Access{Access: g.access(source)}}
		if g.chance(5) {
			it.ConflictsWith = g.id()
		}
		return it
	case n < 80:
		return &v1.Item{Body: &v1.Item_Context{Context: g.context(source)}}
	case n < 83:
		return &v1.Item{Body: &v1.Item_DeadLetter{DeadLetter: &v1.DeadLetter{
			EventId: g.id(), Source: source, Reason: pick(g, "invalid_json", "too_large"), Message: "no recorded time",
			Element: "AuditEvent.recorded", Origin: "POST /fhir", Line: 3, Column: 9, SizeBytes: 812, Format: "R4", ImportId: g.imported(),
		}}}
	case n < 85:
		return &v1.Item{Body: &v1.Item_DeadLetterRetried{DeadLetterRetried: &v1.DeadLetterRetried{
			DeadLetterId: g.id(), DeadLetterPosition: uint64(proto.At(3, 1)), EventId: g.id(), Position: uint64(proto.At(4, 1)), Asker: "os:ada",
		}}}
	case n < 87:
		return &v1.Item{Body: &v1.Item_ImportMark{ImportMark: &v1.ImportMark{
			ImportId: []byte(pick(g, "import-one", "import-two")), Phase: pick(g, v1.ImportMark_PHASE_BEGIN, v1.ImportMark_PHASE_END),
			Source: source, Backfill: g.chance(50), Name: "log.csv", Stored: 5, Duplicates: 1, Conflicts: 2, DeadLetters: 3,
		}}}
	case n < 89:
		return &v1.Item{Body: &v1.Item_Tick{Tick: &v1.Tick{AtUs: g.now.UnixMicro()}}}
	case n < 93:
		return &v1.Item{Body: &v1.Item_Question{Question: g.question()}}
	case n < 96:
		return &v1.Item{Body: &v1.Item_Source{Source: &v1.SourceRegistered{
			Name: source, Owner: "IT", TimeZone: "Europe/Vienna", IdentityPolicy: v1.IdentityPolicy_IDENTITY_POLICY_NATIVE,
			BaseUrl: "https://ehr.example/fhir", Systems: []string{"EHR", "Radiology"}, ExpectedSilenceS: 60, Asker: "os:ada",
			PatientSystem: "urn:oid:1.2.3", PairWithinS: 10,
		}}}
	case n < 97:
		return g.casework()
	case n < 98:
		return &v1.Item{Body: &v1.Item_Token{Token: &v1.TokenRegistered{TokenId: "t1"}}}
	}
	return &v1.Item{Body: &v1.Item_Coverage{Coverage: &v1.CoverageFact{
		Source: source, Kind: v1.CoverageFact_KIND_SILENCE, FromUs: g.time(), UntilUs: pick(g, 0, g.time()), Amount: -5,
	}}}
}

// casework is what people decided on alerts, and what detectors say in the journal: each kind in its turn, because they are rare.
func (g *generator) casework() *v1.Item {
	g.turn++
	switch g.turn % 9 {
	case 0:
		return &v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: &v1.AlertDecision{
			AlertId: g.id(), Version: uint32(g.r.IntN(4)), Disposition: v1.Disposition(1 + g.r.IntN(5)), Comment: pick(g, "", "asked \"her\" manager"),
			Asker: "os:ada", Role: "privacy_officer", DecidedUs: g.time(),
		}}}
	case 1:
		return &v1.Item{Body: &v1.Item_BackfillReleased{BackfillReleased: &v1.BackfillReleased{ImportId: []byte("import-one"), Asker: "os:ada"}}}
	case 2:
		return &v1.Item{Body: &v1.Item_ContextGap{ContextGap: &v1.ContextGap{
			Context: pick(g, "roster", "care"), Absent: g.chance(50), NewestUs: pick(g, 0, g.time()), Blind: pick(g, nil, []string{"Attending", "AfterHours"}), EventId: g.id(),
		}}}
	case 3:
		return &v1.Item{Body: &v1.Item_ScopeFrozen{ScopeFrozen: &v1.ScopeFrozen{
			Query: &v1.ScopeQuery{Reader: "urn:staff|u1", FromUs: g.time()}, Position: g.r.Uint64(), Sha256: g.id(), Asker: "os:ada", Purpose: "breach \"7\"",
			Totals: &v1.ScopeTotals{Counts: &v1.ScopeCounts{Reports: 3, Accesses: 3}, Events: 3, Patients: 2}, Format: 1, FrozenUs: g.time(),
		}}}
	case 4:
		it := &v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: g.caseEntry()}}
		if g.chance(30) {
			it.ConflictsWith = g.id()
		}
		return it
	case 5:
		return &v1.Item{Body: &v1.Item_ViewEntry{ViewEntry: g.viewEntry()}}
	case 6:
		return &v1.Item{Body: &v1.Item_GlassBroken{GlassBroken: &v1.GlassBroken{
			GlassId: g.id(), Asker: "os:ada", Role: "investigator", Reason: "the \"other\" ward asks", AtUs: g.time(), UntilUs: g.time(),
			Limits: pick(g, nil, &v1.Limits{Sites: []string{"north", "so\"uth"}, Departments: []string{"ICU"}}, &v1.Limits{Nothing: true}),
		}}}
	case 7:
		return &v1.Item{Body: &v1.Item_GlassReviewed{GlassReviewed: &v1.GlassReviewed{
			GlassId: g.id(), Asker: "os:bo", Role: "privacy_officer", Verdict: v1.GlassVerdict(1 + g.r.IntN(2)), Note: "she was \"called\"", AtUs: g.time(),
		}}}
	}
	return &v1.Item{Body: &v1.Item_RuleSet{RuleSet: &v1.RuleSet{Hash: g.id()[:16], Code: "1", Config: "queue: {}", Weights: "w", Asker: "os:ada"}}}
}

// viewEntry is a version of one of few saved views.
func (g *generator) viewEntry() *v1.ViewEntry {
	return &v1.ViewEntry{
		ViewId:  proto.NewEventID(proto.EventIdentity{Source: "view", Key: []byte(pick(g, "one", "two")), Recorded: g.now}).Bytes(),
		Version: uint32(g.r.IntN(5)), EventId: g.id(), Asker: "os:ada", Role: "investigator", AtUs: g.time(), Owner: pick(g, "os:ada", "os:bo"),
		Name: "the \"ward\" 7", Shared: g.chance(50), Deleted: g.chance(20),
		Question: pick(g,
			&v1.ViewQuestion{Page: &v1.ViewQuestion_Record{Record: &v1.ViewOfRecord{Patient: "4711"}}, Window: &v1.ViewWindow{LastDays: 7}},
			&v1.ViewQuestion{Page: &v1.ViewQuestion_Alerts{Alerts: &v1.ViewOfAlerts{Chance: 500}}}),
	}
}

// caseEntry is a step of one of few cases, whether it counts or not.
func (g *generator) caseEntry() *v1.CaseEntry {
	e := &v1.CaseEntry{
		CaseId:  proto.NewEventID(proto.EventIdentity{Source: "case", Key: []byte(pick(g, "one", "two")), Recorded: g.now}).Bytes(),
		Version: uint32(g.r.IntN(5)), Asker: "os:ada", Role: "investigator", AtUs: g.time(), EventId: g.id(),
	}
	switch g.r.IntN(5) {
	case 0:
		e.Body = &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{Title: "the \"ward\" 7", Alerts: [][]byte{g.id(), g.id()}, DiscoveredUs: g.time()}}
	case 1:
		e.Body = &v1.CaseEntry_Alerts{Alerts: &v1.CaseAlerts{Added: [][]byte{g.id()}, Removed: [][]byte{g.id()}}}
	case 2:
		e.Body = &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: 1 + uint32(g.r.IntN(3)), Text: "yes"}}
	case 3:
		e.Body = &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{Question: 1, Respondent: 1, Name: "Roe", Text: "why?", To: pick(g, "", "oidc:roe", "oidc:Jäger 'x'")}}
	default:
		e.Body = &v1.CaseEntry_Noted{Noted: &v1.CaseNoted{Text: "her manager\nsays"}}
	}
	return e
}

func (g *generator) imported() []byte {
	return pick(g, nil, nil, []byte("import-one"), []byte("import-two"))
}

func (g *generator) time() int64 {
	return g.now.Add(time.Duration(g.r.Int64N(int64(72 * time.Hour)))).UnixMicro()
}

func (g *generator) access(source string) *v1.AccessEvent {
	e := &v1.AccessEvent{
		EventId: g.id(), Source: source, OccurredUs: pick(g, g.time(), g.time(), g.time(), 0), RecordedUs: pick(g, g.time(), 0),
		Action: v1.Action(g.r.IntN(13)), ActionCode: pick(g, "R", "read", ""), Outcome: v1.Outcome(g.r.IntN(5)),
		Mode: v1.AccessMode(g.r.IntN(5)), Organization: pick(g, "", "Clinic"), Site: pick(g, "", "North", "Sou\x1fth\x1eu"),
		Workstation: fmt.Sprintf("WS\x1er%d", g.r.IntN(5)), NetworkAddress: pick(g, "10.0.0.1", "fe80::1%11"),
		RequestId: pick(g, "", "req-1", "req-2"), BreakGlass: g.chance(5), ImportId: g.imported(),
		Sensitivity: pick(g, nil, []string{"R"}, []string{"PSY", "R"}), Flags: pick(g, nil, []string{"occurred_in_future"}),
		Purposes: pick(g, nil, []*v1.Coding{{Code: "TREAT"}, {Code: "TREAT"}, {Display: "Billing \"x\" / 'y'"}}),
	}
	for range g.r.IntN(4) {
		e.Patients = append(e.Patients, &v1.Patient{
			Identifiers: g.some("P", 6, 3), Text: pick(g, "", "Jäger, Ida", "DOE^JANE\\"),
		})
	}
	for range g.r.IntN(3) {
		e.Objects = append(e.Objects, &v1.Object{
			Type: pick(g, "DocumentReference", "ImagingStudy"), Id: pick(g, nil, g.identifier("O", 20)), Count: uint32(g.r.IntN(3)),
			Name: pick(g, "", "no\x1fte"), Sensitivity: pick(g, nil, []string{"HIV"}),
		})
	}
	if g.chance(90) {
		e.Reader = &v1.Reader{
			Identifiers: g.some("dr", 5, 2), Name: pick(g, "", "Dr. Roe", "Dr.\x1fPoe\x1e"), Type: v1.ReaderType(g.r.IntN(8)),
			Role:       pick(g, nil, &v1.Coding{System: "http://snomed.info/sct", Code: "59058001", Display: "Physician"}, &v1.Coding{Display: "Clerk"}),
			Department: pick(g, "", "Oncology", "ONCOLOGY", "Ward 3"),
		}
	}
	if g.chance(30) {
		e.Encounter = g.identifier("E", 4)
		e.Application = pick(g, &v1.Application{Name: "Viewer"}, &v1.Application{Id: &v1.Identifier{Value: "app-7"}})
		e.OnBehalfOf = pick(g, &v1.Reader{Name: "Dr. No"}, &v1.Reader{Identifiers: g.some("dr", 3, 1)})
	}
	return e
}

func (g *generator) context(source string) *v1.ContextFact {
	c := &v1.ContextFact{
		Source: source, ResourceType: pick(g, "Patient", "Patient", "Practitioner", "Encounter"), ResourceId: fmt.Sprint(g.r.IntN(5)),
		VersionId: fmt.Sprint(g.r.IntN(9)), Identifiers: g.some("P", 6, 3), EffectiveUs: pick(g, 0, g.time()),
		Display: pick(g, "", "Ida Jäger"), Deleted: g.chance(10), ImportId: g.imported(),
		Resource: []byte(pick(g, slices.Sorted(maps.Keys(homes))...)),
	}
	if g.odd && g.chance(30) {
		c.ResourceType = "T\x1fy\x1epe"
	}
	for range g.r.IntN(3) {
		c.Links = append(c.Links, &v1.IdentityLink{
			Kind: v1.IdentityLink_Kind(1 + g.r.IntN(5)), From: g.identifier("P", 6), To: g.identifier("P", 6),
		})
	}
	return c
}

// homes are resources as a source may send them, and where each says that its patient lives: country, state.
var homes = map[string][2]string{
	``: {},
	`{"resourceType":"Patient","address":"somewhere"}`:                                         {},
	`{"address":[{"city":"Graz"}]}`:                                                            {},
	`{"address":[{"country":" at","state":"Steiermark "}]}`:                                    {"AT", "Steiermark"},
	`{"address":[{"use":"old","state":"NV"},{"use":"temp","country":"us","state":"ca"}]}`:      {"US", "CA"},
	`{"address":[{"use":"work","state":"OR"},{"use":"home"},{"use":"home","state":"WA"}]}`:     {"", "WA"},
	`{"address":[{"country":"US"},{"use":"home","country":"DE"},{"use":"home","state":"BY"}]}`: {"DE", ""},
}

func (g *generator) question() *v1.Question {
	q := &v1.Question{
		QuestionId: g.id(), Asker: "token:7", Role: "investigator", Query: "WhoViewed", Purpose: "complaint 12", Rows: 3, Page: 1,
		Position: uint64(proto.At(2, 2)), AskedUs: g.time(), Subjects: g.some("P", 6, 3), Summary: g.chance(20),
	}
	if g.chance(20) {
		q.Glass = &v1.Glass{GlassId: g.id(), Reason: "it cannot wait"}
	}
	switch g.r.IntN(3) {
	case 0:
		q.Patient = g.identifier("P", 6)
	case 1:
		q.Reader = g.identifier("dr", 6)
	}
	return q
}

// fill appends messages of random size to a journal, received from a time on; some straddle a year's end.
func (g *generator) fill(t testingT, j *memoryJournal, messages, most int, received time.Time) {
	for range messages {
		items := make([]*v1.Item, 1+g.r.IntN(most))
		for i := range items {
			items[i] = g.item()
		}
		received = received.Add(time.Duration(g.r.Int64N(int64(time.Minute))))
		j.append(t, received, items...)
	}
}
