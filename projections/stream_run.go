package projections

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// streamRun is a contiguous run of messages of a stream on its way into the tables. All its messages have causes that were received
// in one year, so that each insert touches one partition and is one part: all of it or nothing.
type streamRun struct {
	last     uint64
	messages int
	// at is the received time of the last message's cause.
	at   int64
	year int
	// rows is how many rows the largest table gets.
	rows int
	// blocks are one a table of the stream, in its order; want counts the rows that each table must hold of this run, also those that
	// recovery found there: of the messages in present.
	blocks  []*block
	want    []int
	present []map[uint64]struct{}
}

func newStreamRun(tables []*table, present []map[uint64]struct{}) *streamRun {
	r := &streamRun{blocks: make([]*block, len(tables)), want: make([]int, len(tables)), present: present}
	for i, t := range tables {
		r.blocks[i] = newBlock(t)
	}
	return r
}

func (r *streamRun) empty() bool { return r.messages == 0 }

// bytes is how much the run holds.
func (r *streamRun) bytes() (n int) {
	for _, b := range r.blocks {
		n += b.bytes()
	}
	return n
}

func (r *streamRun) add(m received) error {
	if r.empty() {
		r.year = yearOf(m.message.receivedUs())
	}
	if err := m.message.fold(r, m.sequence); err != nil {
		return err
	}
	r.last, r.at = m.sequence, m.message.receivedUs()
	r.messages++
	r.rows = 1
	for _, n := range r.want {
		r.rows = max(r.rows, n)
	}
	return nil
}

// block returns the block of the i-th table for rows of a message, or nil when they stand in the table already.
func (r *streamRun) block(i int, sequence uint64, rows int) *block {
	r.want[i] += rows
	if _, found := r.present[i][sequence]; found || rows == 0 {
		return nil
	}
	return r.blocks[i]
}

// Places of the tables among those of their stream, in the order of their inserts: documents before the verdicts that lead to them.
const (
	inDocuments = iota
	inVerdicts
	inFindings
	inJudged
)

const inAlerts = 0

// findingsMessage is a message of FINDINGS.
type findingsMessage struct{ *v1.Findings }

func newFindings(m *v1.Findings) streamMessage { return findingsMessage{m} }

func (m findingsMessage) receivedUs() int64 { return m.AtUs }

func (m findingsMessage) fold(r *streamRun, sequence uint64) error {
	v := m.Verdicts
	n := len(v.GetPositions())
	high := v.GetPatientsHigh()
	if len(v.GetPatients()) != n || len(v.GetVerdicts()) != n || len(v.GetExplanations()) != n || len(high) != 0 && len(high) != n {
		return fmt.Errorf("columns of %d, %d, %d and %d verdicts: %w", n, len(v.GetPatients()), len(v.GetVerdicts()), len(v.GetExplanations()), proto.ErrCorrupt)
	}
	documents := v.GetDocuments()
	if !citedFit(v.GetCited(), n, len(documents)) {
		return fmt.Errorf("%d citations of %d documents by %d verdicts: %w", len(v.GetCited()), len(documents), n, proto.ErrCorrupt)
	}
	ruleSet := hex.EncodeToString(m.RuleSet)
	if b := r.block(inVerdicts, sequence, n); b != nil {
		position := uint64(0)
		for i, step := range v.Positions {
			position += step
			w := b.begin()
			w.u64(position)
			w.u16(patientNumber(v.Patients[i], high, i))
			w.u64(m.Cause)
			w.u8(v.Verdicts[i])
			w.u8(v.Explanations[i])
			w.bool(m.Closed)
			w.u64(sequence)
			w.time(m.AtUs)
			w.u16(placeOf(v.Cited, i))
			w.end()
		}
	}
	if b := r.block(inDocuments, sequence, len(documents)); b != nil {
		for i, d := range documents {
			m.document(b.begin(), d, sequence, i+1)
		}
	}
	if b := r.block(inFindings, sequence, len(m.Findings.Findings)); b != nil {
		for i, f := range m.Findings.Findings {
			m.finding(b.begin(), f, sequence, i)
		}
	}
	if b := r.block(inJudged, sequence, 1); b != nil {
		w := b.begin()
		w.bool(m.Last)
		w.u64(m.Cause)
		w.u32(m.Ordinal)
		w.u64(sequence)
		w.day(localDay(m.Day))
		w.time(m.AtUs)
		w.bool(m.Closed)
		w.bool(m.Backfill)
		w.text(ruleSet)
		w.texts(m.Missing...)
		w.u32(uint32(n))
		w.u32(uint32(len(m.Findings.Findings)))
		w.end()
	}
	return nil
}

// patientNumber puts the two columns of a patient's number together.
func patientNumber(low byte, high []byte, i int) uint16 {
	if len(high) == 0 {
		return uint16(low)
	}
	return uint16(high[i])<<8 | uint16(low)
}

// citedFit reports whether there is a citation for each of the verdicts, or for none, and a document for each of them. A place has two
// bytes, as a message has fewer verdicts.
func citedFit(cited []uint32, verdicts, documents int) bool {
	if documents > math.MaxUint16 || len(cited) != 0 && len(cited) != verdicts {
		return false
	}
	return !slices.ContainsFunc(cited, func(place uint32) bool { return int64(place) > int64(documents) })
}

// placeOf is where the document of a verdict stands in its message, from 1; 0: it has none.
func placeOf(cited []uint32, i int) uint16 {
	if len(cited) == 0 {
		return 0
	}
	return uint16(cited[i])
}

// lasts is how long a document held; 0: it has no end.
func lasts(d *v1.Document) int64 {
	if d.UntilUs == 0 {
		return 0
	}
	return d.UntilUs - d.FromUs
}

func (m findingsMessage) document(w *rowWriter, d *v1.Document, sequence uint64, number int) {
	w.u64(sequence)
	w.u16(uint16(number))
	w.text(d.Source)
	w.text(d.Type)
	w.text(d.Id)
	w.i64(d.FromUs)
	w.i64(lasts(d))
	w.u64(d.Position)
	w.time(m.AtUs)
	w.end()
}

func (m findingsMessage) finding(w *rowWriter, f *v1.Finding, sequence uint64, number int) {
	w.day(localDay(m.Day))
	w.text(f.Detector)
	w.u64(sequence)
	w.u32(uint32(number))
	w.u64(m.Cause)
	w.u32(f.Grade)
	w.text(f.Words)
	w.u64(ReaderKey(f.Reader.GetSystem(), f.Reader.GetValue()))
	w.text(f.Reader.GetSystem())
	w.text(f.Reader.GetValue())
	w.u64(PatientKey(f.Patient.GetSystem(), f.Patient.GetValue()))
	w.text(f.Patient.GetSystem())
	w.text(f.Patient.GetValue())
	w.u64s(f.Positions...)
	w.u32(f.More)
	w.text(hex.EncodeToString(m.RuleSet))
	w.time(m.AtUs)
	w.bool(m.Closed)
	w.bool(m.Backfill)
	w.end()
}

// localDay is a day as a block takes one: in microseconds.
func localDay(day int32) int64 { return int64(day) * dayMicros }

// alertMessage is a message of ALERTS.
type alertMessage struct{ *v1.AlertVersion }

func newAlert(m *v1.AlertVersion) streamMessage { return alertMessage{m} }

func (m alertMessage) receivedUs() int64 { return m.AtUs }

func (m alertMessage) fold(r *streamRun, sequence uint64) error {
	b := r.block(inAlerts, sequence, 1)
	if b == nil {
		return nil
	}
	body, err := m.MarshalVT()
	if err != nil {
		return fmt.Errorf("serialise: %w: %w", err, proto.ErrCorrupt)
	}
	detectors := make([]string, len(m.Detectors))
	for i, d := range m.Detectors {
		detectors[i] = d.Detector
	}
	readers, patients := make([]uint64, len(m.Readers)), make([]uint64, len(m.Patients))
	for i, x := range m.Readers {
		readers[i] = ReaderKey(x.Identifier.GetSystem(), x.Identifier.GetValue())
	}
	for i, x := range m.Patients {
		patients[i] = PatientKey(x.Identifier.GetSystem(), x.Identifier.GetValue())
	}
	// One that cites so many may rest on more, of which nobody knows where they lie: it is within nobody's limits.
	positions := []uint64{}
	if len(m.Accesses) < proto.MaxCited {
		for _, a := range m.Accesses {
			positions = append(positions, a.Position)
		}
	}
	w := b.begin()
	w.day(localDay(m.Day))
	w.text(IDText(m.AlertId))
	w.u32(m.Version)
	w.u64(sequence)
	w.u64(m.Cause)
	w.time(m.AtUs)
	w.u8(small(m.State))
	w.u8(small(m.Shape))
	w.u8(small(m.Severity))
	w.text(m.Scenario)
	w.i32(m.Score)
	w.u16(uint16(min(m.Chance, math.MaxUint16)))
	w.u32(m.Rank)
	w.bool(m.Shown)
	w.bool(m.Sampled)
	w.bool(m.Hard)
	w.bool(m.Backfill)
	w.text(m.Queue)
	w.texts(detectors...)
	w.u64s(readers...)
	w.u64s(patients...)
	w.bytes(body)
	w.u64s(positions...)
	w.end()
	return nil
}
