package detectors

import (
	"cmp"
	"slices"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// mostVerdicts bounds one message: some 300 KB.
	mostVerdicts = 32_768
	// mostDocumented bounds what its documents add, in bytes: together a message stays below the megabyte that servers take.
	mostDocumented = 384 << 10
	// mostDocument is how large a document may be that is cited: ids of FHIR have 64 characters, but a source may use half a megabyte.
	mostDocument = 4 << 10
)

// sendRows sends verdicts as columns, by position.
func (e *Engine) sendRows(of standing, rows []row) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.patient, b.patient)) })
	for len(rows) > 0 {
		c := newColumns(e, min(len(rows), mostVerdicts))
		n := 0
		for n < min(len(rows), mostVerdicts) && c.bytes < mostDocumented {
			c.add(&rows[n])
			n++
		}
		m := e.message(of)
		m.Verdicts = c.out
		e.out.hold(m)
		rows = rows[n:]
	}
}

// columns are the verdicts of one message.
type columns struct {
	e    *Engine
	out  *v1.Verdicts
	last proto.Position
	// places are those of the documents, from 1; bytes is what they take, at the most.
	places map[document]uint32
	bytes  int
}

func newColumns(e *Engine, most int) *columns {
	return &columns{e: e, places: map[document]uint32{}, out: &v1.Verdicts{
		Positions: make([]uint64, 0, most), Patients: make([]byte, 0, most), Verdicts: make([]byte, 0, most), Explanations: make([]byte, 0, most),
	}}
}

func (c *columns) add(r *row) {
	v := c.out
	n := len(v.Positions)
	v.Positions, c.last = append(v.Positions, uint64(r.at-c.last)), r.at
	v.Patients, v.Verdicts, v.Explanations = append(v.Patients, byte(r.patient)), append(v.Verdicts, byte(r.verdict)), append(v.Explanations, byte(r.reason))
	if high := byte(r.patient >> 8); high > 0 && v.PatientsHigh == nil {
		v.PatientsHigh = make([]byte, n)
	}
	if v.PatientsHigh != nil {
		v.PatientsHigh = append(v.PatientsHigh, byte(r.patient>>8))
	}
	place := c.place(r.document)
	if place > 0 && v.Cited == nil {
		v.Cited = make([]uint32, n)
	}
	if v.Cited != nil {
		v.Cited = append(v.Cited, place)
	}
}

// place is where a document stands in the message, from 1; 0: there is none, or it is too large.
func (c *columns) place(d document) uint32 {
	if place, known := c.places[d]; known || d == (document{}) {
		return place
	}
	one := stated(c.e.state, d)
	size := one.SizeVT()
	if size > mostDocument {
		c.places[d] = 0
		return 0
	}
	c.out.Documents = append(c.out.Documents, one)
	place := uint32(len(c.out.Documents))
	c.places[d] = place
	c.bytes += size
	return place
}
