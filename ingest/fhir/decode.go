package fhir

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	"github.com/readtrail/readtrail/proto/fhirid"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Limits bound what one resource may ask of the decoder. Beyond them it becomes a dead letter.
type Limits struct {
	// Depth is how deeply objects and arrays may nest; default 64. FHIR's own resources stay below 20.
	Depth int
	// StringBytes bounds one string before unescaping; default 512 KiB.
	StringBytes int
	// ResourceBytes bounds one resource; default 1 MiB.
	ResourceBytes int
}

// DefaultLimits are the limits where a configuration names none.
func DefaultLimits() Limits {
	return Limits{Depth: 64, StringBytes: 512 << 10, ResourceBytes: 1 << 20}
}

// Validate reports all limits that make no sense; zero takes the default.
func (l Limits) Validate() error {
	var errs []error
	if l.Depth < 0 || l.Depth > 1000 {
		errs = append(errs, errors.New("depth: want 1 to 1000"))
	}
	if l.StringBytes < 0 {
		errs = append(errs, errors.New("string_bytes: want a positive number of bytes"))
	}
	// An item and its original, together and unpacked, have to fit one batch of 8 MiB.
	if l.ResourceBytes < 0 || l.ResourceBytes > 3<<20 {
		errs = append(errs, errors.New("resource_bytes: want at most 3 MiB"))
	}
	return errors.Join(errs...)
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	if l.Depth == 0 {
		l.Depth = d.Depth
	}
	if l.StringBytes == 0 {
		l.StringBytes = d.StringBytes
	}
	if l.ResourceBytes == 0 {
		l.ResourceBytes = d.ResourceBytes
	}
	return l
}

// MediaType is what originals are kept as.
const MediaType = "application/fhir+json"

// Input is one resource on its way in.
type Input struct {
	// Data is the resource as it came; the entry keeps it, so the caller must not change it afterwards.
	Data []byte
	// ID is the logical id that the request names, for a resource that brings none (PUT Patient/ID).
	ID string
	// FullURL is the Bundle's entry.fullUrl, a further name of a context resource.
	FullURL string
	// ImportID is the import that brings it; nil when it comes live.
	ImportID []byte
	// deleted is the reference of a resource that is said to be gone; Data is made up then.
	deleted string
}

// Decoder turns FHIR JSON into journal entries: AuditEvent R4, R4B and R5 into access events, every other resource into
// a context fact. It reuses its buffers and belongs to one goroutine; use a Pool to share.
type Decoder struct {
	arenas
	doc document
	src ingest.Source
	// localSystem is the system of relative references: the source's base URL, else its name.
	localSystem string
	// ownSystem is the source's LocalSystem.
	ownSystem                   string
	patientSystem, readerSystem string
	fullURL                     string

	// State of the event being decoded.
	ev            *v1.AccessEvent
	el            *elements
	free          texts
	flags         []string
	agents        []agent
	late          []coding
	kvnr          string
	lifecycle     string
	consent       *v1.Identifier
	hasQuery      bool
	systemPurpose bool
}

// texts is what people typed; it is sealed.
type texts struct{ breakGlass, query, outcome string }

// NewDecoder returns a decoder with these limits; zero limits take their defaults.
func NewDecoder(limits Limits) *Decoder {
	d := &Decoder{}
	d.doc.limits = limits.withDefaults()
	return d
}

// Decode reads one resource. The error is an *ingest.DecodeError, and the input then belongs into the dead letters.
// The result depends on nothing but the input and the source: a retry makes the same entry.
func (d *Decoder) Decode(src ingest.Source, in Input) (ingest.Entry, error) {
	if len(in.Data) > d.doc.limits.ResourceBytes {
		return ingest.Entry{}, d.tooLarge()
	}
	if err := d.doc.scan(in.Data); err != nil {
		return ingest.Entry{}, err
	}
	return d.decodeScanned(src, in)
}

// decodeScanned maps the resource on the tape.
func (d *Decoder) decodeScanned(src ingest.Source, in Input) (ingest.Entry, error) {
	if len(in.Data) > d.doc.limits.ResourceBytes {
		return ingest.Entry{}, d.tooLarge()
	}
	d.begin(src, in)
	typ, err := d.resourceType()
	if err != nil {
		return ingest.Entry{}, err
	}
	entry := ingest.Entry{
		Source: src.Name,
		Sealed: &v1.SealedItem{Original: in.Data, MediaType: MediaType},
	}
	compact := d.doc.compact()
	sum := sha256.Sum256(compact)
	if entry.Content = proto.ContentOf(sum); len(compact) == len(in.Data) {
		entry.Digest = sum // what was sent has no whitespace to leave out
	}
	if typ == "AuditEvent" {
		err = d.finishEvent(&entry, in)
	} else {
		err = d.finishFact(&entry, typ, in)
	}
	if err != nil {
		return ingest.Entry{}, err
	}
	return entry, nil
}

func (d *Decoder) tooLarge() *ingest.DecodeError {
	return &ingest.DecodeError{
		Reason: ingest.ReasonTooLarge, Element: "$this",
		Message: "the resource is larger than " + strconv.Itoa(d.doc.limits.ResourceBytes) + " bytes",
	}
}

func (d *Decoder) begin(src ingest.Source, in Input) {
	if src.Zone == nil {
		src.Zone = time.UTC
	}
	if src.Name != d.src.Name || src.BaseURL != d.src.BaseURL || d.localSystem == "" {
		d.ownSystem = src.LocalSystem()
		d.localSystem = d.ownSystem
		if src.BaseURL != "" {
			d.localSystem = strings.TrimRight(src.BaseURL, "/")
		}
	}
	d.src, d.fullURL = src, in.FullURL
	if d.patientSystem = src.PatientSystem; d.patientSystem == "" {
		d.patientSystem = d.ownSystem
	}
	if d.readerSystem = src.ReaderSystem; d.readerSystem == "" {
		d.readerSystem = d.ownSystem
	}
	// An input that failed half way may have left something on the lists.
	d.ids.scratch, d.codings.scratch, d.readers.scratch = d.ids.scratch[:0], d.codings.scratch[:0], d.readers.scratch[:0]
	d.patients.scratch, d.objects.scratch = d.patients.scratch[:0], d.objects.scratch[:0]
	d.extensions.scratch = d.extensions.scratch[:0]
	d.agents, d.late = d.agents[:0], d.late[:0]
	d.lifecycle, d.consent, d.hasQuery, d.systemPurpose = "", nil, false, false
}

// resourceType checks that the value is a resource.
func (d *Decoder) resourceType() (string, error) {
	if d.doc.kindOf(0) != kindObject {
		err := d.doc.failOffset(none, int(d.doc.nodes[0].start), ingest.ReasonInvalidValue)
		err.Message = "a resource is a JSON object"
		return "", err
	}
	i := d.doc.get(0, "resourceType")
	if i == none {
		return "", &ingest.DecodeError{
			Reason: ingest.ReasonMissingElement, Element: "resourceType", Message: "this is no FHIR resource",
		}
	}
	typ := d.doc.stringAt(i)
	if !fhirid.IsType(typ) {
		err := d.doc.failOffset(none, int(d.doc.nodes[i].start), ingest.ReasonInvalidValue)
		err.Element, err.Message = "resourceType", "this is no resource type's name"
		return "", err
	}
	return typ, nil
}

// accessItem is an event and what it stands in, in one allocation.
type accessItem struct {
	item  v1.Item
	body  v1.Item_Access
	event v1.AccessEvent
}

// finishEvent maps an AuditEvent.
func (d *Decoder) finishEvent(entry *ingest.Entry, in Input) error {
	made := &accessItem{}
	ev := &made.event
	ev.ImportId = in.ImportID
	if err := d.auditEvent(ev); err != nil {
		return err
	}
	if ev.SourceEventId == "" {
		ev.SourceEventId = in.ID
	}
	identify(entry, ev, d.src, 0)
	made.body.Access, made.item.Body = ev, &made.body
	entry.Item = &made.item
	if d.free != (texts{}) {
		entry.Sealed.FreeText = &v1.FreeText{
			BreakGlassText: d.free.breakGlass, QueryText: d.free.query, OutcomeText: d.free.outcome,
		}
	}
	return nil
}

// identify gives an event its id by the source's policy: its own where it has one, else, and for the other policies, the
// hash of its content without whitespace. What proto.NativeID says of systems that count alike holds for all of them.
func identify(entry *ingest.Entry, ev *v1.AccessEvent, src ingest.Source, ordinal uint64) {
	var room [64]byte
	key := append(room[:0], entry.Content[:]...)
	switch policy := src.Policy; {
	case policy == v1.IdentityPolicy_IDENTITY_POLICY_CONTENT:
	case policy == v1.IdentityPolicy_IDENTITY_POLICY_CONTENT_ORDINAL:
		key = strconv.AppendUint(key, ordinal, 10)
	case ev.SourceEventId != "":
		entry.ID, ev.EventId = proto.NativeID(ev), proto.NativeMark()
		return
	}
	entry.ID = proto.NewEventID(proto.EventIdentity{
		Source: src.Name, Observer: ev.Observer + "\x00" + ev.Site, Key: key, Recorded: time.UnixMicro(ev.RecordedUs),
	})
	ev.EventId = entry.ID.Bytes()
}

// finishFact maps a context resource. Its identity is the resource in this very state: another state is another fact.
func (d *Decoder) finishFact(entry *ingest.Entry, typ string, in Input) error {
	fact := &v1.ContextFact{ImportId: in.ImportID}
	if err := d.contextFact(typ, in.ID, fact); err != nil {
		return err
	}
	fact.Deleted = in.deleted != ""
	entry.ID = factID(d.src, fact, entry.Content, nil)
	fact.EventId = entry.ID.Bytes()
	entry.Item = &v1.Item{Body: &v1.Item_Context{Context: fact}}
	return nil
}

// factID identifies a resource in one state; revision tells the same state at two times apart.
func factID(src ingest.Source, fact *v1.ContextFact, content proto.ContentHash, revision []byte) proto.EventID {
	key := [][]byte{[]byte(fact.ResourceType), []byte(fact.ResourceId), content[:], revision}
	if fact.Deleted {
		key = append(key, []byte("deleted"))
	}
	identity := proto.EventIdentity{Source: src.Name, Observer: "context", Key: bytes.Join(key, []byte{0})}
	if fact.EffectiveUs != 0 {
		identity.Recorded = time.UnixMicro(fact.EffectiveUs)
	}
	return proto.NewEventID(identity)
}
