package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/journal"
	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/cases"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// What people have done in ten years of a hospital: the console's pages about it would be empty otherwise.
const (
	// alertsADay is the default budget of shown alerts.
	alertsADay = 20
	// recent is how many days back alerts still wait for somebody.
	recent = 30
	// casesInAll is forty a year; the cases of a year back are open.
	casesInAll = 400
	// deadLetters, savedViews, questions, frozen and glasses are the rows of the other lists.
	deadLetters, savedViews, questions, frozen, glasses = 200, 30, 40, 10, 20
)

// furniture is what was made, for the notes of figures.
type furniture struct {
	Alerts    int `json:"alerts"`
	Decisions int `json:"decisions"`
	Cases     int `json:"cases"`
	Open      int `json:"open"`
	// Days are those that have alerts, days since 1970, in order.
	Days []int32 `json:"days"`
	// Online says that what a running server makes was made too.
	Online bool `json:"online"`
}

func furniturePath(home string) string { return filepath.Join(home, "furniture.json") }

func (f *furniture) keep(home string) error {
	text, err := json.Marshal(f)
	if err == nil {
		err = os.WriteFile(furniturePath(home), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("note what was furnished: %w", err)
	}
	return nil
}

// furnished returns what was made, or makes alerts of the generated years, what was decided on them and cases: real messages of the two
// streams, which the server projects when it starts.
func (b *bench) furnished(ctx context.Context, home string, e *engine) (f *furniture, err error) {
	f = &furniture{}
	if text, err := os.ReadFile(furniturePath(home)); err == nil {
		if err := json.Unmarshal(text, f); err != nil {
			return nil, fmt.Errorf("read kept data: %w", err)
		}
		return f, nil
	}
	cited, err := e.imported(ctx, citable)
	if err != nil {
		return nil, err
	}
	alerts, err := e.suspicions(ctx, b.size, cited)
	if err != nil {
		return nil, err
	}
	j, err := journal.Open(ctx, journal.Config{Dir: filepath.Join(home, "data", "journal"), TickEvery: -1})
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		err = errors.Join(err, j.Close(closing))
	}()
	out, err := j.OpenOutput(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the stream of alerts: %w", err)
	}
	if err := out.PublishAlerts(ctx, alerts); err != nil {
		return nil, err //nolint:wrapcheck // says what failed
	}
	who, err := asker()
	if err != nil {
		return nil, err
	}
	decisions, steps := decisionsOn(alerts, who), casesOf(alerts, who, f)
	f.Alerts, f.Decisions = len(alerts), len(decisions)
	for _, a := range alerts {
		f.Days = append(f.Days, a.Day)
	}
	f.Days = slices.Compact(f.Days)
	if err := appendAll(ctx, j, slices.Concat(decisions, steps, brokenGlasses())); err != nil {
		return nil, err
	}
	b.say("%d alerts, %d decisions, %d cases of %d steps", f.Alerts, f.Decisions, f.Cases, len(steps))
	return f, f.keep(home)
}

// asker is who the server takes this process for on its socket.
func asker() (string, error) {
	who, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("find out who asks: %w", err)
	}
	return "os:" + who.Username, nil
}

// appendEntries is how many entries go into the journal at once.
const appendEntries = 1000

func appendAll(ctx context.Context, j *journal.Journal, entries []ingest.Entry) error {
	for len(entries) > 0 {
		n := min(len(entries), appendEntries)
		if _, err := j.Append(ctx, entries[:n], ingest.Options{Reserved: true}); err != nil {
			return fmt.Errorf("append what people did: %w", err)
		}
		entries = entries[n:]
	}
	return nil
}

// citable is how many of the imported events alerts cite.
const citable = 10_000

// suspicions are alerts, a budget of them for every day that has accesses, each of one reader in one record. A page opens what its alert
// cites in the journal, which holds nothing where generated rows stand: they cite as many accesses as there are, but of imported ones.
func (e *engine) suspicions(ctx context.Context, size sizes, cited []uint64) (all []*v1.AlertVersion, err error) {
	params := store.Params{"one_in": uint64(max(size.rows/1_000_000, 1)), "a_day": uint32(alertsADay)}
	var last, received uint64
	err = e.Query(ctx, statement("suspicious"), params, func(row store.Row) error {
		var s suspicion
		if err := row.Scan(&s.day, &s.readerSystem, &s.reader, &s.name, &s.role, &s.department, &s.patientSystem, &s.patient, &s.cause, &s.received,
			&s.positions, &s.occurred); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		if n := len(all); n > 0 && all[n-1].Day == s.day {
			s.rank = all[n-1].Rank
		}
		// Messages stand in the order of their causes.
		last, received = max(last, s.cause), max(received, uint64(s.received))
		s.cause, s.received = last, int64(received)
		for i := range s.positions {
			s.positions[i] = cited[(len(all)*7+i)%len(cited)]
		}
		all = append(all, s.alert(len(all)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("choose what alerts are about: %w", err)
	}
	if len(all) < alertsADay {
		return nil, fmt.Errorf("choose what alerts are about: only %d were found", len(all))
	}
	return all, nil
}

// suspicion is one reader in one record on one day.
type suspicion struct {
	day                                int32
	readerSystem, reader, name, role   string
	department, patientSystem, patient string
	cause                              uint64
	received, occurred                 int64
	positions                          []uint64
	rank                               uint32
}

// scenarios and signs are what alerts look like here.
var (
	scenarios = []string{"family", "coworker", "neighbour", "enumeration", "search"}
	signs     = []string{"FamilyAccess", "NoRelation", "OddHours", "Repeated"}
)

func (s *suspicion) alert(n int) *v1.AlertVersion {
	who := fmt.Sprintf("%s (%s, %s)", s.name, s.role, s.department)
	a := &v1.AlertVersion{
		AlertId: benchIDAt("alert", n, int64(s.day)*86_400).Bytes(), Version: 1, State: v1.AlertState_ALERT_STATE_RAISED, Cause: s.cause, Ordinal: uint32(n),
		RuleSet: []byte("0123456789abcdef"), AtUs: s.received, Shape: v1.Shape_SHAPE_PAIR, Day: s.day, Scenario: scenarios[n%len(scenarios)], Score: 900,
		Chance: 950 - 30*min(s.rank, 24), Rank: s.rank + 1, Shown: true, Sampled: n%40 == 0, Severity: v1.Severity(1 + n%3),
		Readers:  []*v1.AlertReader{{Identifier: &v1.Identifier{System: s.readerSystem, Value: s.reader}, Display: s.name, Role: s.role, Department: s.department}},
		Patients: []*v1.AlertPatient{{Identifier: &v1.Identifier{System: s.patientSystem, Value: s.patient}}},
		Note: &v1.AlertNote{
			Title: who + " in the record of " + s.patient,
			What:  []string{fmt.Sprintf("%s opened the record of %s %d times between 08:12 and 08:31.", who, s.patient, len(s.positions))},
			Why: []string{
				"They live at the same address, and no task leads from this reader to this record.",
				"Nobody of the department has worked on this record in the 90 days before.",
			},
			Usual:  []string{"On other days they open 34 records, of which 33 belong to patients of the department.", "Their peers open 31."},
			Tried:  []string{"No stay, appointment, order or referral names the department.", "No colleague who was on duty asked for it.", "It was not a break-glass."},
			Normal: []string{"A referral to the department, an appointment, or a task that names the record."},
		},
	}
	for i := range 1 + n%len(signs) {
		a.Detectors = append(a.Detectors, &v1.FiredDetector{Detector: signs[i], Grade: 2, Words: "shares the patient's address", Weight: 300})
	}
	for i, position := range s.positions {
		a.Accesses = append(a.Accesses, &v1.CitedAccess{Position: position, OccurredUs: s.occurred + int64(i)*60e6, Reader: 1, Patient: 1})
		a.Note.Evidence = append(a.Note.Evidence, fmt.Sprintf("08:%02d read, at a workstation of %s", 12+i, s.department))
	}
	return a
}

// benchIDAt is an id as benchID's, of a time in seconds.
func benchIDAt(kind string, i int, at int64) proto.EventID {
	return proto.NewEventID(proto.EventIdentity{Source: "bench", Key: fmt.Appendf(nil, "%s %d", kind, i), Recorded: time.Unix(at, 0)})
}

// decidedBy says whether somebody has judged the alerts of a day by now.
func decidedBy(day, newest int32) bool { return day <= newest-recent }

// misuse is every so many judged alerts.
const misuse = 20

// decisionsOn are two for each alert that is old, taken up and judged, and one for some of the others.
func decisionsOn(alerts []*v1.AlertVersion, who string) (all []ingest.Entry) {
	newest := alerts[len(alerts)-1].Day
	for i, a := range alerts {
		decide := func(d v1.Disposition, comment string) {
			all = append(all, ingest.Entry{Item: &v1.Item{Body: &v1.Item_AlertDecision{AlertDecision: &v1.AlertDecision{
				AlertId: a.AlertId, Version: 1, Disposition: d, Comment: comment, Asker: who, Role: proto.RolePrivacyOfficer, DecidedUs: a.AtUs + 86_400e6,
			}}}})
		}
		if decidedBy(a.Day, newest) || i%3 == 0 {
			decide(v1.Disposition_DISPOSITION_IN_REVIEW, "")
		}
		switch {
		case !decidedBy(a.Day, newest):
		case i%misuse == 0:
			decide(v1.Disposition_DISPOSITION_MISUSE, "They had no task here, and say so.")
		case i%misuse < 3:
			decide(v1.Disposition_DISPOSITION_INCONCLUSIVE, "Neither the department nor the reader remember.")
		default:
			decide(v1.Disposition_DISPOSITION_APPROPRIATE, "They stood in for a colleague; the head of the department confirms it.")
		}
	}
	return all
}

// casesOf opens cases of alerts spread over the years. Those of the last year are open; the others came to their end.
func casesOf(alerts []*v1.AlertVersion, who string, f *furniture) (all []ingest.Entry) {
	newest := alerts[len(alerts)-1]
	every := max(len(alerts)/casesInAll, 1)
	for i := every - 1; i < len(alerts); i += every {
		a := alerts[i]
		c := caseOf{id: benchIDAt("case", i, a.AtUs/1e6), at: a.AtUs, who: who}
		assignee := ""
		if i/every%3 > 0 {
			assignee = who
		}
		c.opened(a, assignee)
		c.step(&v1.CaseEntry{Body: &v1.CaseEntry_Noted{Noted: &v1.CaseNoted{Text: "The roster of that week was asked for, and names another department."}}})
		c.step(&v1.CaseEntry{Body: &v1.CaseEntry_Asked{Asked: &v1.CaseAsked{
			Question: 1, Respondent: v1.Respondent_RESPONDENT_MANAGER, Name: "The head of the department", Text: "Was there a task that led to this record?",
		}}})
		f.Cases++
		if f.Open++; a.AtUs < newest.AtUs-365*86_400e6 || f.Cases%2 == 0 {
			c.close()
			f.Open--
		}
		all = append(all, c.steps...)
	}
	return all
}

// caseOf collects the steps of a case.
type caseOf struct {
	id    proto.EventID
	at    int64
	who   string
	steps []ingest.Entry
}

func (c *caseOf) opened(a *v1.AlertVersion, assignee string) {
	c.step(&v1.CaseEntry{Body: &v1.CaseEntry_Opened{Opened: &v1.CaseOpened{
		Title: "Looks at " + a.Patients[0].Identifier.Value, Alerts: [][]byte{a.AlertId}, DiscoveredUs: a.AtUs, Assignee: assignee,
	}}})
}

// step adds a step, a day after the one before.
func (c *caseOf) step(e *v1.CaseEntry) {
	e.CaseId, e.Version, e.Asker, e.Role, e.AtUs = c.id.Bytes(), uint32(len(c.steps)+1), c.who, proto.RolePrivacyOfficer, c.at+int64(len(c.steps))*86_400e6
	id := cases.StepID(c.id, e.Version)
	e.EventId = id.Bytes()
	c.steps = append(c.steps, ingest.Entry{Item: &v1.Item{Body: &v1.Item_CaseEntry{CaseEntry: e}}, ID: id, Content: proto.HashContent(id.Bytes())})
}

// close brings a case to its end: answered, no breach, inconclusive.
func (c *caseOf) close() {
	c.step(&v1.CaseEntry{Body: &v1.CaseEntry_Answered{Answered: &v1.CaseAnswered{Question: 1, Text: "They stood in for a colleague in that week."}}})
	c.step(&v1.CaseEntry{Body: &v1.CaseEntry_Assessed{Assessed: &v1.BreachAssessed{
		Conclusion: v1.BreachConclusion_BREACH_CONCLUSION_NOT_PHI, Text: "The access was permitted.", People: 1, MostInOneState: 1,
	}}})
	c.step(&v1.CaseEntry{Body: &v1.CaseEntry_Concluded{Concluded: &v1.CaseConcluded{
		Outcome: v1.Disposition_DISPOSITION_INCONCLUSIVE, Text: "Nothing follows from it.",
	}}})
	c.step(&v1.CaseEntry{Body: &v1.CaseEntry_Closed{Closed: &v1.CaseClosed{Text: "Done."}}})
}

// brokenGlasses wait for a review. Whoever runs this has no limits that a glass would be broken for.
func brokenGlasses() (all []ingest.Entry) {
	for i := range glasses {
		at := time.Now().Add(-time.Duration(i) * time.Hour)
		id := benchIDAt("glass", i, at.Unix())
		all = append(all, ingest.Entry{Item: &v1.Item{Body: &v1.Item_GlassBroken{GlassBroken: &v1.GlassBroken{
			GlassId: id.Bytes(), Asker: "oidc:night", Role: proto.RoleViewer, Reason: "The ward is ours tonight, says the head of nursing.",
			AtUs: at.UnixMicro(), UntilUs: at.Add(15 * time.Minute).UnixMicro(),
		}}}})
	}
	return all
}
