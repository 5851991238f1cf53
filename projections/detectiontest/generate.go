package detectiontest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Access is what messages are made over.
type Access struct {
	Position uint64
	Occurred time.Time
	Reader   *v1.Identifier
	// Patients are the event's distinct patients.
	Patients []*v1.Identifier
}

// Generator makes messages that are valid and otherwise random, from a seed. Causes rise from one call to the next.
type Generator struct {
	r *rand.Rand
	// cause is the position of the last cause, at its received time.
	cause uint64
	at    time.Time
	// versions are how many versions each alert has.
	versions map[string]uint32
}

// NewGenerator returns a generator whose first cause stands at a position and was received at a time.
func NewGenerator(seed, cause uint64, at time.Time) *Generator {
	return &Generator{r: rand.New(rand.NewPCG(seed, 11)), cause: cause, at: at, versions: map[string]uint32{}} //nolint:gosec // repeatable
}

// ruleSet is the same in all messages, as it is until a rule set changes.
func ruleSet() []byte { return []byte("0123456789abcdef") }

func pick[T any](g *Generator, of ...T) T { return of[g.r.IntN(len(of))] }

// Day is a day as the messages carry it.
func Day(t time.Time) int32 { return int32(t.Unix() / 86_400) }

// Next makes the messages of one cause over some accesses: verdicts for most of them, findings on some, and alerts. Later calls over
// the same accesses change verdicts and make further versions.
func (g *Generator) Next(accesses []Access) (findings []*v1.Findings, alerts []*v1.AlertVersion) {
	g.cause += 1 + g.r.Uint64N(5000)
	g.at = g.at.Add(time.Duration(g.r.Int64N(int64(20 * time.Hour))))
	day := Day(g.at) - 2
	chunks := slices.Collect(slices.Chunk(accesses, 1+g.r.IntN(max(1, len(accesses)))))
	for i, chunk := range chunks {
		m := &v1.Findings{
			Cause: g.cause, Ordinal: uint32(i), Last: i == len(chunks)-1, RuleSet: ruleSet(), Day: day, AtUs: g.at.UnixMicro(),
			Closed: g.r.IntN(4) > 0, Backfill: g.r.IntN(10) == 0, Verdicts: g.verdicts(chunk), Missing: pick(g, nil, nil, []string{"care", "employment"}),
		}
		for range g.r.IntN(4) {
			m.Findings = append(m.Findings, g.finding(chunk))
		}
		findings = append(findings, m)
	}
	for range g.r.IntN(4) {
		alerts = append(alerts, g.alert(accesses, day))
	}
	return findings, alerts
}

func (g *Generator) verdicts(accesses []Access) *v1.Verdicts {
	out, last, high := &v1.Verdicts{}, uint64(0), []byte(nil)
	documented := g.r.IntN(4) > 0
	for _, a := range accesses {
		for patient := range max(1, len(a.Patients)) {
			if g.r.IntN(10) == 0 { // not judged yet
				continue
			}
			verdict, explanation := v1.Verdict(1+g.r.IntN(3)), v1.Explanation_EXPLANATION_UNSPECIFIED
			if verdict == v1.Verdict_VERDICT_EXPLAINED {
				explanation = v1.Explanation(1 + g.r.IntN(16))
			}
			out.Positions = append(out.Positions, a.Position-last)
			out.Patients, high = append(out.Patients, byte(patient)), append(high, byte(patient>>8))
			out.Verdicts = append(out.Verdicts, byte(verdict))
			out.Explanations = append(out.Explanations, byte(explanation))
			if documented {
				out.Cited = append(out.Cited, g.cite(out, verdict))
			}
			last = a.Position
		}
	}
	if slices.ContainsFunc(high, func(b byte) bool { return b > 0 }) {
		out.PatientsHigh = high
	}
	return out
}

// cite is the place of what documents an explanation: of a document that was cited before, of another one, or of none.
func (g *Generator) cite(v *v1.Verdicts, verdict v1.Verdict) uint32 {
	n := len(v.Documents)
	switch {
	case verdict != v1.Verdict_VERDICT_EXPLAINED || g.r.IntN(8) == 0:
		return 0
	case n > 0 && g.r.IntN(3) == 0:
		return 1 + g.r.Uint32N(uint32(n))
	}
	d := &v1.Document{Position: 4096 + g.r.Uint64N(1<<30)}
	if g.r.IntN(4) > 0 {
		d = &v1.Document{
			Source: pick(g, "emr", "registry"), Type: pick(g, "Encounter", "Appointment", "CareTeam"), Id: fmt.Sprintf("e%d", g.r.IntN(1000)),
			FromUs: g.at.Add(-time.Duration(g.r.Int64N(int64(90 * 24 * time.Hour)))).UnixMicro(), UntilUs: pick(g, 0, g.at.UnixMicro()),
		}
	}
	v.Documents = append(v.Documents, d)
	return uint32(n + 1)
}

func (g *Generator) some(accesses []Access, most int) []Access {
	from := g.r.IntN(len(accesses))
	return accesses[from:min(len(accesses), from+1+g.r.IntN(most))]
}

func (g *Generator) finding(accesses []Access) *v1.Finding {
	f := &v1.Finding{
		Detector: pick(g, "FamilyAccess", "NoRelation", "Crowd"), Grade: 1 + g.r.Uint32N(4), Words: "shares the patient's address", More: g.r.Uint32N(3),
	}
	unit := g.some(accesses, 5)
	for _, a := range unit {
		f.Positions = append(f.Positions, a.Position)
	}
	if f.Detector != "Crowd" {
		f.Reader = unit[0].Reader
	}
	if len(unit[0].Patients) > 0 {
		f.Patient = unit[0].Patients[0]
	}
	return f
}

// AlertID is the id of an alert by the number of its day and its place among the day's.
func AlertID(day int32, n int) []byte {
	id := make([]byte, 20)
	binary.BigEndian.PutUint32(id, uint32(day)*86_400)
	binary.BigEndian.PutUint64(id[4:], uint64(n)+1)
	return id
}

func (g *Generator) alert(accesses []Access, day int32) *v1.AlertVersion {
	n := g.r.IntN(6)
	id := AlertID(day, n)
	g.versions[string(id)]++
	a := &v1.AlertVersion{
		AlertId: id, Version: g.versions[string(id)], State: v1.AlertState_ALERT_STATE_RAISED, Cause: g.cause, RuleSet: ruleSet(), AtUs: g.at.UnixMicro(),
		Shape: v1.Shape(1 + n%3), Day: day, Scenario: pick(g, "family", "enumeration", "crowd"), Score: int32(g.r.IntN(4000) - 2000),
		Chance: g.r.Uint32N(1001), Rank: uint32(n + 1), Sampled: g.r.IntN(5) == 0, Hard: g.r.IntN(8) == 0,
		Backfill: g.r.IntN(10) == 0, Severity: v1.Severity(1 + g.r.IntN(3)), Queue: pick(g, "", "North"),
	}
	a.Shown = a.Chance >= 220
	if a.Version > 1 {
		a.State = pick(g, v1.AlertState_ALERT_STATE_UPDATED, v1.AlertState_ALERT_STATE_RETRACTED)
	}
	if a.State == v1.AlertState_ALERT_STATE_RETRACTED {
		a.Because, a.Shown = "A referral that arrived later names this reader.", false
	}
	for _, x := range g.some(accesses, 6) {
		cite(a, x)
	}
	a.Detectors = []*v1.FiredDetector{{Detector: "FamilyAccess", Grade: 2, Words: "same address", Weight: 900}, {Detector: "NoRelation", Grade: 1, Words: "no reason", Weight: 300}}[:1+g.r.IntN(2)]
	a.Note = &v1.AlertNote{
		Title: fmt.Sprintf("Somebody in %d records", len(a.Patients)), What: []string{"They opened it twice."}, Why: []string{"They share an address."},
		Usual: []string{"They open four records a day."}, Tried: []string{"No encounter, no order."}, Normal: []string{"A referral."}, Evidence: []string{"08:01 read"},
	}
	return a
}

// cite adds an access to the story, and its reader and patients.
func cite(a *v1.AlertVersion, x Access) {
	c := &v1.CitedAccess{Position: x.Position, OccurredUs: x.Occurred.UnixMicro()}
	if x.Reader.GetValue() != "" {
		at := slices.IndexFunc(a.Readers, func(r *v1.AlertReader) bool { return same(r.Identifier, x.Reader) })
		if at < 0 {
			at = len(a.Readers)
			a.Readers = append(a.Readers, &v1.AlertReader{Identifier: x.Reader, Display: "Name of " + x.Reader.Value, Role: "nurse", Department: "Oncology"})
		}
		c.Reader = uint32(at) + 1
	}
	for _, p := range x.Patients {
		at := slices.IndexFunc(a.Patients, func(known *v1.AlertPatient) bool { return same(known.Identifier, p) })
		if at < 0 {
			at = len(a.Patients)
			a.Patients = append(a.Patients, &v1.AlertPatient{Identifier: p, Display: "Patient " + p.Value})
		}
		c.Patient = uint32(at) + 1
	}
	a.Accesses = append(a.Accesses, c)
}

func same(a, b *v1.Identifier) bool { return a.System == b.System && a.Value == b.Value }
