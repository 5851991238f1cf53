package projections

import (
	"github.com/readtrail/readtrail/proto"
)

// Live is what the version that answers holds, as the projector of this process knows it without asking ClickHouse: a
// question that had to ask how far the tables are, and whether anything around it changed, would ask five times before it
// begins.
type Live struct {
	Version uint32
	// Position is the watermark of accesses, Received its received time in microseconds.
	Position proto.Position
	Received int64
	// Sources, Coverage, Unresolved, Extents and ReaderLinks are watermarks at which rows of that kind were written last; 0: none
	// since this process began. While one stands, what was read at or above it holds. ReaderLinks is about everything that
	// says that two identifiers are one reader's, Readers about that and everything by which a reader is known at all.
	Sources, Coverage, Unresolved, Extents, ReaderLinks, Readers proto.Position
	// Findings and Alerts are how far what detectors write was read, in messages of their streams; ContextGaps, and Cases of their steps,
	// are as Sources.
	Findings, Alerts   uint64
	ContextGaps, Cases proto.Position
	// Changed closes when any of this changes.
	Changed <-chan struct{}
	// Hurry says that somebody waits for what the journal holds up to a position: it gathers with nothing more. It does not wait.
	Hurry func(to proto.Position)
}

// Live returns it, or false while this process does not keep a version up: then ClickHouse must be asked.
func (p *Projector) Live() (Live, bool) {
	p.mu.Lock()
	version, m, streams := p.live, p.liveMarks, p.liveStreams
	p.mu.Unlock()
	if m == nil {
		return Live{}, false
	}
	read := map[string]uint64{}
	for _, s := range streams {
		mark, _, _ := s.marks.get()
		read[s.name] = mark.sequence
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.current[ProjectorAccesses]
	links := max(m.written[contextFacts], m.written[readerLinkRows])
	return Live{
		Version: version, Position: w.position, Received: w.received, Changed: m.changed, Cases: m.written[caseSteps],
		Sources: m.written[sources], Coverage: m.written[coverage], Unresolved: m.written[unresolvedRows], Extents: m.written[sourceExtents],
		Findings: read[ProjectorFindings], Alerts: read[ProjectorAlerts], ContextGaps: m.written[contextGaps],
		ReaderLinks: links, Readers: max(links, m.written[readerNameRows]), Hurry: m.hurry,
	}, m.running
}

func (m *marks) hurry(to proto.Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if to <= m.wanted {
		return
	}
	m.wanted = to
	select {
	case m.hurried <- struct{}{}:
	default:
	}
}

// reached reports whether what was taken up to last holds all that somebody waits for, and what was sent up to sent does not. It says so once.
func (m *marks) reached(sent, last proto.Position) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.wanted == 0 || last < m.wanted {
		return false
	}
	due := m.wanted > sent
	m.wanted = 0
	return due
}

// Beside the tables stand some of their rows, because the others, which come all the time, do not change what is read of them:
// unresolvedRows are those of accesses_by_patient without an identifier, readerLinkRows and readerNameRows those of identities about readers.
const (
	unresolvedRows = numTables + iota
	readerLinkRows
	readerNameRows
	numMarks
)

// wrote notes that rows of a table were written; they count from the projector's next watermark on.
func (m *marks) wrote(id tableID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pending[id] = true
}

// wroteAll has the next watermarks count as a change of everything.
func (m *marks) wroteAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.pending {
		m.pending[i] = true
	}
}

// begins notes that a session keeps the version up.
func (m *marks) begins() {
	m.wroteAll()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = true
}

// ends notes that nobody keeps the version up for now: another process may.
func (m *marks) ends() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = false
}

// settle makes what a projector wrote part of its watermark. The lock is held.
func (m *marks) settle(projector string, position proto.Position) {
	for i := range m.pending {
		rollup := tableID(i) >= firstRollup && i < numTables
		if m.pending[i] && rollup == (projector == ProjectorRollups) {
			m.pending[i], m.written[i] = false, position
		}
	}
}
