package projections

import (
	"fmt"
	"math"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// folded is what one message comes to: rows for the tables of the accesses projector, and what the rollups add up.
type folded struct {
	sequence uint64
	end      proto.Position
	// received is the message's received time in microseconds.
	received int64
	// blocks are nil where the message has no row.
	blocks [firstMerging]*block
	// skipped counts rows that were left out because recovery found them in the table.
	skipped [firstMerging]int
	names   []identifierRow
	links   []linkRow
	groups  []readerGroupRow
	places  []placeRow
	extents []extentRow
	touches []touchRow
	// unresolved says that an access names a patient by text only, live that one came by no import.
	unresolved, live bool
}

// idle says that the message holds nothing but questions and ticks.
func (f *folded) idle() bool {
	for id, b := range f.blocks {
		if (b != nil || f.skipped[id] > 0) && tableID(id) != questions {
			return false
		}
	}
	return len(f.names) == 0 && len(f.links) == 0
}

// identifierRow is a name in identities_vN without what follows from it.
type identifierRow struct {
	kind                uint8
	system, value, text string
	position            uint64
	// hash tells rows of the same identifier and text apart from others.
	hash uint64
}

// linkRow is a link in identities_vN; it becomes two rows, or one where an identifier stands alone.
type linkRow struct {
	kind     uint8
	from, to *v1.Identifier
	position uint64
	source   string
	// fact is set for links of kind LinkOfContext, hash for the others.
	fact *factLink
	hash uint64
}

// factLink is what a link of a context fact says beside its ends and its source.
type factLink struct {
	resource     uint64
	resourceType string
	kind         v1.IdentityLink_Kind
}

// extentRow counts the events of one source and hour in one message.
type extentRow struct {
	source                      string
	hour                        int64
	firstOccurred, lastOccurred int64
	// firstReceived and lastReceived are filled in by the rollup.
	firstReceived, lastReceived                       int64
	firstPosition, lastPosition                       uint64
	events, patientless, unresolved, breaking, failed uint16
}

// touchRow is one reader at one record (or at none).
type touchRow struct {
	reader, patient uint64
	occurred        int64
	position        uint64
	day             int32 // of occurred, as dayOf has it
	breakGlass      bool
}

// present holds the positions that recovery found in each table above the watermark. It is read by all workers and
// written by none. A nil entry means that nothing was found.
type present [firstMerging]map[uint64]struct{}

// folder folds one message. It is used once, by one goroutine.
type folder struct {
	out      *folded
	present  *present
	rollups  bool
	accesses bool
	// conflict: the journal had another item under this one's id before.
	conflict bool
	flags    []string
	labels   distinct
	purposes distinct
	types    distinct
	sorted   []string
	packs    packs
	patients []patientRow
	// named is where the event's distinct patients are listed.
	named []*v1.Patient
	// extents finds the rows of out.extents.
	extents map[extentKey]int
	// recent holds hashes of names and links that the message has stated, each in its slot, so that most repetitions end
	// here. It is a sieve: what slips through is dropped by the run.
	recent [recentSlots]uint64
}

// recentSlots is a quarter of the items that a message holds at most.
const recentSlots = 1024

// repeated reports whether a hash was met lately, and notes it.
func (f *folder) repeated(hash uint64) bool {
	slot := &f.recent[hash%recentSlots]
	if *slot == hash {
		return true
	}
	*slot = hash
	return false
}

// foldBatch opens the batch's items and folds them. accesses and rollups say which of the two are wanted. Errors wrap
// proto.ErrCorrupt.
func foldBatch(b *proto.Batch, found *present, accesses, rollups bool) (*folded, error) {
	out := &folded{sequence: b.Sequence(), end: proto.EndOf(b.Sequence()), received: b.Head.ReceivedUs}
	if !b.Has(v1.Kind_KIND_ACCESS, v1.Kind_KIND_CONTEXT, v1.Kind_KIND_DEAD_LETTER, v1.Kind_KIND_DEAD_LETTER_RETRIED,
		v1.Kind_KIND_IMPORT_MARK, v1.Kind_KIND_QUESTION, v1.Kind_KIND_SOURCE, v1.Kind_KIND_COVERAGE, v1.Kind_KIND_ALERT_DECISION,
		v1.Kind_KIND_BACKFILL_RELEASED, v1.Kind_KIND_CONTEXT_GAP, v1.Kind_KIND_RULE_SET, v1.Kind_KIND_SCOPE_FROZEN,
		v1.Kind_KIND_CASE, v1.Kind_KIND_VIEW, v1.Kind_KIND_GLASS_BROKEN, v1.Kind_KIND_GLASS_REVIEWED) {
		return out, nil
	}
	items, err := b.Items()
	if err != nil {
		return nil, fmt.Errorf("fold batch: %w", err)
	}
	f := &folder{out: out, present: found, accesses: accesses, rollups: rollups}
	for i, it := range items {
		f.item(uint64(b.Position(i)), it)
	}
	return out, nil
}

func (f *folder) item(position uint64, it *v1.Item) {
	f.conflict = len(it.ConflictsWith) > 0
	if body, ok := it.Body.(*v1.Item_Access); ok {
		f.access(position, body.Access)
		return
	}
	if !f.accesses {
		return
	}
	switch body := it.Body.(type) {
	case *v1.Item_Context:
		f.context(position, body.Context)
	case *v1.Item_DeadLetter:
		f.deadLetter(position, body.DeadLetter)
	case *v1.Item_DeadLetterRetried:
		f.deadLetterRetried(position, body.DeadLetterRetried)
	case *v1.Item_ImportMark:
		f.importMark(position, body.ImportMark)
	case *v1.Item_Question:
		f.question(position, body.Question)
	case *v1.Item_Source:
		f.source(position, body.Source)
	case *v1.Item_Coverage:
		f.coverage(position, body.Coverage)
	case *v1.Item_AlertDecision:
		f.decision(position, body.AlertDecision)
	case *v1.Item_BackfillReleased:
		f.backfillReleased(position, body.BackfillReleased)
	case *v1.Item_ContextGap:
		f.contextGap(position, body.ContextGap)
	case *v1.Item_RuleSet:
		f.ruleSet(position, body.RuleSet)
	case *v1.Item_ScopeFrozen:
		f.scopeFrozen(position, body.ScopeFrozen)
	case *v1.Item_CaseEntry:
		f.caseEntry(position, body.CaseEntry)
	case *v1.Item_GlassBroken:
		f.glassBroken(position, body.GlassBroken)
	case *v1.Item_GlassReviewed:
		f.glassReviewed(position, body.GlassReviewed)
	case *v1.Item_ViewEntry:
		f.viewEntry(position, body.ViewEntry)
	}
}

// row begins a row of a table, or returns nil when the position is in the table already.
func (f *folder) row(id tableID, position uint64) *rowWriter {
	if found := f.present[id]; found != nil {
		if _, ok := found[position]; ok {
			f.out.skipped[id]++
			return nil
		}
	}
	if f.out.blocks[id] == nil {
		f.out.blocks[id] = messageBlocks.get(tables[id])
	}
	return f.out.blocks[id].begin()
}

// NoRecorded is recorded_delay, in microseconds, of an event without a recorded time.
const NoRecorded = math.MinInt64

// occurredOf is when an event counts as occurred: as stated, else recorded, else received.
func occurredOf(e *v1.AccessEvent, received int64) int64 {
	switch {
	case e.OccurredUs != 0:
		return clampMicros(e.OccurredUs)
	case e.RecordedUs != 0:
		return clampMicros(e.RecordedUs)
	}
	return received
}

func clampMicros(us int64) int64 { return min(max(us, minMicros), maxMicros) }
