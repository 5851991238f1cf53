package detectors

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"github.com/readtrail/readtrail/detectors/facts"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// mostFindings bounds one message: some 300 KB.
	mostFindings = 1_024
	// mostPositions is how many accesses a finding names, mostAccesses how many an alert cites.
	mostPositions = 64
	mostAccesses  = proto.MaxCited
)

// emitter numbers what goes out. The last message of findings of a cause is known only when the cause is over, so one is held back.
type emitter struct {
	out           func(Output) error
	err           error
	cause         proto.Position
	at            int64
	findings      uint32
	alerts        uint32
	pending       *v1.Findings
	began, needed bool
}

// to says where outputs go; nil: nobody wants them.
func (m *emitter) to(out func(Output) error) { m.out, m.err = out, nil }

// begin starts a cause.
func (m *emitter) begin(of *Entry) { m.beginAt(of.At, of.Received) }

func (m *emitter) beginAt(at proto.Position, received int64) {
	if m.began && m.cause == at {
		return
	}
	_ = m.end() // it keeps its error
	m.cause, m.at, m.began, m.findings, m.alerts, m.needed = at, received, true, 0, 0, false
}

// end sends what was held back, as the last message of its cause.
func (m *emitter) end() error {
	if m.needed && m.pending == nil {
		m.hold(&v1.Findings{})
	}
	if m.pending != nil {
		m.pending.Last = true
		m.send(Output{Findings: m.pending})
	}
	m.pending, m.began, m.needed = nil, false, false
	return m.err
}

func (m *emitter) send(o Output) {
	if m.err == nil && m.out != nil {
		m.err = m.out(o)
	}
}

// hold takes the next message of findings.
func (m *emitter) hold(f *v1.Findings) {
	if m.pending != nil {
		m.send(Output{Findings: m.pending})
	}
	f.Cause, f.Ordinal, f.AtUs = uint64(m.cause), m.findings, m.at
	m.findings++
	m.pending = f
}

// alert sends a version of an alert. Its cause has a message of findings as well.
func (m *emitter) alert(a *v1.AlertVersion) {
	a.Cause, a.Ordinal, a.AtUs = uint64(m.cause), m.alerts, m.at
	m.alerts++
	m.needed = true
	m.send(Output{Alert: a})
}

// row is the verdict on one access.
type row struct {
	at      proto.Position
	patient uint16
	verdict v1.Verdict
	reason  v1.Explanation
	// document says that the reason holds.
	document document
}

// unitsJudged counts what came out of a day's units, and sends the verdicts and findings.
func (e *Engine) unitsJudged(j *judge, c *closed, backfill bool) {
	e.count(c)
	if e.cfg.Chance {
		e.byChance(j, c)
	}
	if e.out.out == nil {
		return
	}
	var rows []row
	for i := range c.readers {
		for k := range c.readers[i].Pairs {
			p := &c.readers[i].Pairs[k]
			rows = p.appendRows(rows, p.Accesses)
		}
	}
	whole := standing{day: c.at, closed: true, backfill: backfill}
	e.sendRows(whole, rows)
	e.sendFindings(whole, e.findingsOf(c))
}

// appendRows takes the verdict on a pair for some of its accesses.
func (p *Pair) appendRows(rows []row, accesses []Access) []row {
	v, r := p.verdict()
	for i := range accesses {
		one := row{at: accesses[i].Position, patient: accesses[i].Nth, verdict: verdictCode(v)}
		if v == Explained {
			one.reason, one.document = v1.Explanation(r)+1, p.document // TestCodes holds the reasons together
		}
		rows = append(rows, one)
	}
	return rows
}

// provisional are the verdicts on what an alert of the open day cites: they hold until the day is closed, and then come again.
func provisional(d *ReaderDay, a *Alert) []row {
	cited := make(map[proto.Position]bool, len(a.Accesses))
	for i := range a.Accesses {
		cited[a.Accesses[i].Position] = true
	}
	var rows []row
	for i := range d.Pairs {
		p := &d.Pairs[i]
		for k := range p.Accesses {
			if cited[p.Accesses[k].Position] {
				rows = p.appendRows(rows, p.Accesses[k:k+1])
			}
		}
	}
	return rows
}

func verdictCode(v Verdict) v1.Verdict {
	return [...]v1.Verdict{v1.Verdict_VERDICT_UNEXPLAINED, v1.Verdict_VERDICT_EXPLAINED, v1.Verdict_VERDICT_NOT_ASSESSABLE}[v]
}

// standing is the day that messages are about, and how firm they are.
type standing struct {
	day day
	// closed: the day is over and judged as a whole; else a sign did not wait for its end.
	closed, backfill bool
}

// message is a message of findings about a day.
func (e *Engine) message(of standing) *v1.Findings {
	return &v1.Findings{
		RuleSet: e.ruleSet, Day: of.day, Closed: of.closed, Backfill: of.backfill, Missing: e.judge.coverage.missing().List(),
	}
}

func (e *Engine) sendFindings(of standing, all []*v1.Finding) {
	for part := range slices.Chunk(all, mostFindings) {
		m := e.message(of)
		m.Findings = part
		e.out.hold(m)
	}
	if e.out.pending == nil || e.out.pending.Day != of.day { // a day without anything was judged too
		e.out.hold(e.message(of))
	}
}

// findingsOf are the claims about the units that look more like misuse than like everyday work, and every hard sign. The others
// are counted, not kept: half of everyday work is out of the ordinary on some scale.
func (e *Engine) findingsOf(c *closed) []*v1.Finding {
	var out []*v1.Finding
	j := e.judge
	for i := range c.readers {
		d := &c.readers[i]
		of := unitFindings{e: e, reader: d.Reader, accesses: d.Accesses}
		out = of.add(out, j.readers.scales, &d.grades, d.Weight > 0)
		for k := range d.Pairs {
			p := &d.Pairs[k]
			of := unitFindings{e: e, reader: p.Reader, patient: p.Patient, accesses: p.Accesses}
			out = of.add(out, j.pairs.scales, &p.grades, p.Looks > 0 && p.Weight > 0)
		}
	}
	for i := range c.records {
		d := &c.records[i]
		if d.Weight <= 0 {
			continue
		}
		var accesses []Access
		for _, p := range d.all() {
			accesses = append(accesses, p.Accesses...)
		}
		of := unitFindings{e: e, patient: d.Patient, accesses: accesses}
		out = of.add(out, j.records.scales, &d.grades, true)
	}
	return out
}

// unitFindings makes the findings of one unit.
type unitFindings struct {
	e               *Engine
	reader, patient facts.ID
	accesses        []Access
}

func (u *unitFindings) add(out []*v1.Finding, scales []Scale, g *grades, all bool) []*v1.Finding {
	var positions []uint64
	more := 0
	for i := range scales {
		s := &scales[i]
		record := s.Hard && int(g[i]) == len(s.Words)
		if g[i] == Quiet || g[i] == Blind || !all && !record {
			continue
		}
		if positions == nil {
			positions, more = positionsOf(u.accesses)
		}
		out = append(out, &v1.Finding{
			Detector: s.Name, Grade: uint32(g[i]), Words: s.Words[g[i]-1], Reader: u.e.state.StaffIdentifier(u.reader),
			Patient: u.e.state.Identifier(u.patient), Positions: positions, More: uint32(more),
		})
	}
	return out
}

func positionsOf(accesses []Access) (out []uint64, more int) {
	all := make([]uint64, len(accesses))
	for i := range accesses {
		all[i] = uint64(accesses[i].Position)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	n := min(len(all), mostPositions)
	return all[:n:n], len(all) - n
}

// storyID names a story: 16 bytes of SHA-256 over what it is about, behind its day.
func (e *Engine) storyID(shape Shape, d day, reader, patient facts.ID) alertID {
	return e.storyApart(shape, d, reader, patient, "")
}

// storyApart names a story that stands beside another one of the same people on the same day: of an import, or of what came when the
// first one was held no more. Else two alerts would have one id, and the later one take the earlier one's place.
func (e *Engine) storyApart(shape Shape, d day, reader, patient facts.ID, of string) alertID {
	var key []byte
	add := func(text string) { key = append(binary.BigEndian.AppendUint64(key, uint64(len(text))), text...) }
	key = append(key, byte(shape))
	for _, id := range [...]*v1.Identifier{e.state.StaffIdentifier(reader), e.state.Identifier(patient)} {
		add(id.GetSystem())
		add(id.GetValue())
	}
	key = binary.BigEndian.AppendUint32(key, uint32(d))
	if of != "" {
		add(of)
	}
	if len(e.cfg.AlertKey) > 0 {
		keyed := hmac.New(sha256.New, e.cfg.AlertKey)
		_, _ = keyed.Write(key)
		key = keyed.Sum(nil)
	}
	return alertID(proto.NewEventID(proto.EventIdentity{
		Source: "readtrail alert", Key: key, Recorded: time.Unix(int64(d)*86_400, 0),
	}))
}

// subject is whom a story is about first: the reader of a pair or a reader's day, the record of a pair or a record's day.
func (c *Candidate) subject() (reader, patient facts.ID) {
	if c.Shape != ShapeRecordDay && len(c.Readers) > 0 {
		reader = c.Readers[0]
	}
	if c.Shape != ShapeReaderDay && c.Shape != ShapeSerial && len(c.Patients) > 0 {
		patient = c.Patients[0]
	}
	return reader, patient
}

// version writes an alert as it stands.
func (e *Engine) version(a *Alert) *v1.AlertVersion {
	out := &v1.AlertVersion{
		RuleSet: e.ruleSet, Shape: v1.Shape(a.Shape) + 1, Day: a.Day, Scenario: a.Scenario, Score: int32(a.Score),
		Chance: uint32(a.Chance()), Rank: uint32(a.Rank), Shown: a.Shown, Severity: a.severity(), Boosts: a.Boosts, Queue: a.Queue,
	}
	readers, patients := map[facts.ID]uint32{}, map[facts.ID]uint32{}
	for i, id := range a.Readers {
		r := &v1.AlertReader{Identifier: e.state.StaffIdentifier(id), Display: e.state.Display(id)}
		if i < len(a.posts) {
			r.Role, r.Department = e.state.Text(a.posts[i].Role), e.state.DepartmentName(a.posts[i].Department)
		}
		out.Readers = append(out.Readers, r)
		readers[id] = uint32(len(out.Readers))
	}
	for _, id := range a.Patients {
		out.Patients = append(out.Patients, &v1.AlertPatient{Identifier: e.state.Identifier(id), Display: e.state.DisplayPatient(id)})
		patients[id] = uint32(len(out.Patients))
	}
	for _, c := range a.Accesses[:min(len(a.Accesses), mostAccesses)] {
		out.Accesses = append(out.Accesses, &v1.CitedAccess{
			Position: uint64(c.Position), OccurredUs: c.Occurred, Reader: readers[c.Reader], Patient: patients[c.Patient],
		})
	}
	for _, f := range a.Fired {
		out.Detectors = append(out.Detectors, &v1.FiredDetector{
			Detector: f.Scale.Name, Grade: uint32(f.Grade), Words: f.Scale.Words[f.Grade-1], Weight: int32(f.Weight),
		})
	}
	if n := a.Note; n != nil {
		out.Note = &v1.AlertNote{
			Title: n.Title, What: n.What, Why: n.Why, Usual: n.Usual, Tried: n.Tried, Normal: n.Normal,
			Evidence: n.Evidence.Lines, More: uint32(n.Evidence.More),
		}
	}
	return out
}

// manyRecords is how many records make a story severe whatever stands in them.
const manyRecords = 10

// severity follows how sensitive it is what was opened.
func (c *Candidate) severity() v1.Severity {
	const protected = facts.LabelSubstance | facts.LabelHIV | facts.LabelMental | facts.LabelViolence | facts.LabelSexual |
		facts.LabelGenetic | facts.LabelRestricted
	switch {
	case c.labels&protected != 0, len(c.Patients) >= manyRecords:
		return v1.Severity_SEVERITY_HIGH
	case c.labels != 0, c.signs&(SignPrint|SignExport) != 0, len(c.Patients) > 2:
		return v1.Severity_SEVERITY_MEDIUM
	}
	return v1.Severity_SEVERITY_LOW
}
