package csv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// batchEntries and batchBytes bound what is handed over at a time.
	batchEntries = 2048
	batchBytes   = 4 << 20
	// maxMediaType is how long a media type may grow with the names of the columns in it.
	maxMediaType = 4 << 10
	// detectBytes is how much of a file its layout is told from.
	detectBytes = 64 << 10
)

// Config says what a file is read as.
type Config struct {
	// Mapping says what the columns mean. Required.
	Mapping *Mapping
	// Source is who sent the file. Required.
	Source ingest.Source
	// Origin is the file's name without its directory; it goes into dead letters.
	Origin string
	// ImportID goes into events, facts and dead letters; nil when there is none.
	ImportID []byte
	// From is how many bytes of the file were decoded before and are on disk: they are read again, because rows count
	// among equal ones, and not handed over. Default 0.
	From int64
}

// Validate reports all faults at once.
func (c Config) Validate() error {
	var errs []error
	if c.Mapping == nil {
		errs = append(errs, errors.New("csv: a mapping is required"))
	}
	if c.Source.Name == "" || c.Source.Zone == nil {
		errs = append(errs, errors.New("csv: a source with a zone is required"))
	}
	if c.From < 0 {
		errs = append(errs, errors.New("csv: from must not be negative"))
	}
	return errors.Join(errs...)
}

// Batch is what a stretch of the file brought, in its order.
type Batch struct {
	Entries []ingest.Entry
	// Offset counts the bytes, and Line is the number of the line, up to which everything is in this batch or before it.
	Offset int64
	Line   int
}

// decoder is one file being decoded. It belongs to one goroutine.
type decoder struct {
	cfg      Config
	mapping  *Mapping
	policy   v1.IdentityPolicy
	format   string
	scan     *scanner
	plan     *plan
	m        mapper
	ordinals *ordinals
}

// Decode reads the file and hands what it holds to emit, a few thousand entries at a time, in order; dead letters stand
// in their places. The error is an *ingest.DecodeError when the file as a whole does not fit the mapping (a column
// that is named and absent, a header that is none), else the reader's, emit's or the context's.
func Decode(ctx context.Context, cfg Config, r io.Reader, emit func(Batch) error) error {
	d, err := newDecoder(cfg, r)
	if err != nil {
		return err
	}
	var batch Batch
	size := 0
	for {
		row, err := d.scan.next()
		if err != nil && !errors.Is(err, io.EOF) {
			// What was read before the reader failed is whole, and lands.
			return errors.Join(d.flush(ctx, &batch, emit), err)
		}
		if err != nil {
			break
		}
		end := row.offset + int64(len(row.raw))
		batch.Offset, batch.Line = end, d.scan.line
		if batch.Entries, err = d.row(batch.Entries, row); err != nil {
			return errors.Join(d.flush(ctx, &batch, emit), err)
		}
		if end <= cfg.From {
			batch.Entries = batch.Entries[:0]
		}
		if size += len(row.raw); len(batch.Entries) >= batchEntries || size >= batchBytes {
			if err := d.flush(ctx, &batch, emit); err != nil {
				return err
			}
			size = 0
		}
	}
	if d.plan == nil {
		return &ingest.DecodeError{Reason: ingest.ReasonMissingElement, Message: "the file has no header"}
	}
	return d.flush(ctx, &batch, emit)
}

func (d *decoder) flush(ctx context.Context, batch *Batch, emit func(Batch) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("decode delimited text: %w", err)
	}
	if len(batch.Entries) == 0 {
		return nil
	}
	if err := emit(*batch); err != nil {
		return err
	}
	batch.Entries = make([]ingest.Entry, 0, cap(batch.Entries))
	return nil
}

func newDecoder(cfg Config, r io.Reader) (*decoder, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := cfg.Mapping
	zone := cfg.Source.Zone
	if m.Time.Zone != "source" && m.Time.Zone != "" {
		var err error
		if zone, err = time.LoadLocation(m.Time.Zone); err != nil {
			return nil, fmt.Errorf("decode delimited text: zone: %w", err)
		}
	}
	clock, err := newClock(m.Time, zone)
	if err != nil {
		return nil, fmt.Errorf("decode delimited text: %w", err)
	}
	d := &decoder{
		cfg: cfg, mapping: m, policy: policyOf(m, cfg.Source), format: "csv:" + m.Name, scan: newScanner(r), ordinals: newOrdinals(),
	}
	if d.policy == v1.IdentityPolicy_IDENTITY_POLICY_NATIVE && len(m.Identity.Columns) == 0 {
		return nil, &ingest.DecodeError{
			Reason: ingest.ReasonInvalidValue, Element: "identity.columns",
			Message: "the source's identity policy is native, and the mapping does not say which columns hold the id",
		}
	}
	d.m = mapper{src: cfg.Source, clock: clock, view: view{trim: *m.File.Trim, nulls: m.File.Nulls}}
	d.m.enc = map[string]encoding{"latin-1": encodingLatin1, "windows-1252": encodingWindows1252}[m.File.Encoding]
	if err := d.dialect(); err != nil {
		return nil, err
	}
	if !*m.File.Header {
		if err := d.bind(m.File.Columns); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func policyOf(m *Mapping, src ingest.Source) v1.IdentityPolicy {
	switch m.Identity.Policy {
	case "native":
		return v1.IdentityPolicy_IDENTITY_POLICY_NATIVE
	case "content+ordinal":
		return v1.IdentityPolicy_IDENTITY_POLICY_CONTENT_ORDINAL
	case "source":
		if src.Policy != v1.IdentityPolicy_IDENTITY_POLICY_UNSPECIFIED {
			return src.Policy
		}
	}
	return v1.IdentityPolicy_IDENTITY_POLICY_CONTENT
}

// dialect sets the scanner up; an automatic delimiter is the one that the first row has most of.
func (d *decoder) dialect() error {
	f := d.mapping.File
	s := d.scan
	begin := s.peek(detectBytes)
	if len(begin) >= 2 && (begin[0] == 0xff && begin[1] == 0xfe || begin[0] == 0xfe && begin[1] == 0xff) {
		return &ingest.DecodeError{Reason: ingest.ReasonUnsupportedFormat, Message: "the file is UTF-16: convert it to UTF-8", Line: 1, Column: 1}
	}
	s.comment, s.quotedLines = []byte(f.Comment), f.QuotedLines
	switch f.Quote {
	case "double":
		s.quote = '"'
	case "single":
		s.quote = '\''
	}
	if s.quote != 0 {
		d.m.quote = string(s.quote)
	}
	var err error
	if s.delimiter, err = delimiterOf(f.Delimiter); err != nil {
		return fmt.Errorf("decode delimited text: %w", err)
	}
	if s.delimiter == 0 {
		s.delimiter = guessDelimiter(begin, f.Comment)
	}
	return nil
}

// row appends what a row says. The error concerns the whole file.
func (d *decoder) row(out []ingest.Entry, r row) ([]ingest.Entry, error) {
	if r.kind != kindRow {
		return out, nil
	}
	if d.plan == nil {
		return out, d.header(r)
	}
	if r.err != nil {
		return append(out, d.deadLetter(r, r.err)), nil //nolint:nilerr // a bad row is a dead letter, not an error
	}
	// One copy of the row is text and original at once for everything that is made of it.
	original := append([]byte(nil), r.raw...)
	d.m.text, d.m.fields = string(original), r.fields
	if d.m.enc == encodingUTF8 && !utf8.ValidString(d.m.text) {
		return append(out, d.deadLetter(r, d.badText())), nil
	}
	mark := len(out)
	out, err := d.entries(out, original)
	if err != nil {
		var bad *ingest.DecodeError
		if !errors.As(err, &bad) {
			return out[:mark], err
		}
		return append(out[:mark], d.deadLetter(r, bad)), nil
	}
	return out, nil
}

func (d *decoder) header(r row) error {
	if r.err != nil {
		err := *r.err
		err.Line += r.line - 1
		return &err
	}
	d.m.text, d.m.fields = string(r.raw), r.fields
	if d.m.enc == encodingUTF8 && !utf8.ValidString(d.m.text) {
		return &ingest.DecodeError{Reason: ingest.ReasonInvalidUTF8, Message: "the header is not UTF-8", Line: r.line, Column: 1}
	}
	var names []string
	for i := range r.fields {
		names = append(names, strings.TrimSpace(d.m.get(i)))
	}
	err := d.bind(names)
	var bad *ingest.DecodeError
	if errors.As(err, &bad) && bad.Line == 0 {
		bad.Line, bad.Column = r.line, 1
	}
	return err
}

func (d *decoder) badText() *ingest.DecodeError {
	err := &ingest.DecodeError{Reason: ingest.ReasonInvalidUTF8, Message: "the text is not UTF-8; if it is Latin-1, the mapping has to say so"}
	at := 0
	for at < len(d.m.text) {
		c, n := utf8.DecodeRuneInString(d.m.text[at:])
		if c == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	for i, f := range d.m.fields {
		if at >= f.start && at < f.end && i < len(d.plan.header.names) {
			err.Element = d.plan.header.names[i]
		}
	}
	err.Line, err.Column = locate([]byte(d.m.text), at)
	return err
}

// fault is an error at the column of a source, counted within the row.
func (m *mapper) fault(s *source, reason, message string) error {
	err := &ingest.DecodeError{Reason: reason, Element: s.name, Message: message, Line: 1, Column: 1}
	if i := s.column(); i >= 0 && i < len(m.fields) {
		err.Line, err.Column = locate([]byte(m.text), m.fields[i].start)
	}
	return err
}

func (d *decoder) deadLetter(r row, err *ingest.DecodeError) ingest.Entry {
	media := ""
	if d.plan != nil {
		media = d.plan.mediaType
	}
	return ingest.DeadLetter(d.cfg.Source, ingest.Fault{
		Err: err, Original: append([]byte(nil), r.raw...), MediaType: media, Format: d.format,
		Origin: d.cfg.Origin, Line: r.line, Column: 1, ImportID: d.cfg.ImportID,
	})
}

// entries appends what the row in d.m says.
func (d *decoder) entries(out []ingest.Entry, original []byte) ([]ingest.Entry, error) {
	if len(d.plan.resources) == 0 {
		e, err := d.access(original)
		if err != nil {
			return out, err
		}
		return append(out, e), nil
	}
	for _, r := range d.plan.resources {
		e, err := r.entry(&d.m, d.format, d.cfg.ImportID)
		if err != nil {
			return out, err
		}
		e.Sealed = &v1.SealedItem{Original: original, MediaType: d.plan.mediaType}
		out = append(out, e)
	}
	return out, nil
}

// access makes the event of a row.
func (d *decoder) access(original []byte) (ingest.Entry, error) {
	o := &accessRow{}
	d.m.out, d.m.free = o, nil
	e := &o.event
	e.Source, e.ImportId, e.Format = d.cfg.Source.Name, d.cfg.ImportID, d.format
	for i := range d.plan.fields {
		if err := d.fill(&d.plan.fields[i]); err != nil {
			return ingest.Entry{}, err
		}
	}
	if e.OccurredUs == 0 {
		e.Flags = append(e.Flags, flagMissing)
	}
	if !d.plan.btg {
		e.BreakGlass = e.BreakGlassReason != nil || (d.m.free != nil && d.m.free.BreakGlassText != "")
	}
	for _, i := range d.plan.extra {
		if value := d.m.get(i); value != "" {
			e.Extensions = append(e.Extensions, &v1.Extension{Name: d.plan.header.names[i], Value: value})
		}
	}
	hash := d.plan.content.hash(&d.m.view)
	id, err := d.identify(hash)
	if err != nil {
		return ingest.Entry{}, err
	}
	e.EventId = id[:]
	o.body.Access, o.item.Body = e, &o.body
	o.sealed.Original, o.sealed.MediaType, o.sealed.FreeText = original, d.plan.mediaType, d.m.free
	return ingest.Entry{Item: &o.item, ID: id, Content: hash, Source: d.cfg.Source.Name, Sealed: &o.sealed}, nil
}

func (d *decoder) fill(f *field) error {
	filled := false
	for i := range f.sources {
		s := &f.sources[i]
		text := s.text(&d.m.view)
		if text == "" {
			if s.required && !filled {
				return d.m.fault(s, ingest.ReasonMissingElement, "the column is required and empty")
			}
			continue
		}
		if filled && !f.all {
			continue
		}
		if err := f.set(&d.m, s, text); err != nil {
			return d.m.fault(s, ingest.ReasonInvalidValue, err.Error())
		}
		filled = true
	}
	return nil
}

// identify derives the event id by the policy.
func (d *decoder) identify(hash proto.ContentHash) (proto.EventID, error) {
	e := &d.m.out.event
	identity := proto.EventIdentity{Source: d.cfg.Source.Name, Observer: e.Observer}
	switch {
	case e.RecordedUs != 0:
		identity.Recorded = time.UnixMicro(e.RecordedUs)
	case e.OccurredUs != 0:
		identity.Recorded = time.UnixMicro(e.OccurredUs)
	}
	var key [sha16 + 4]byte
	copy(key[:], hash[:])
	identity.Key = key[:sha16]
	switch d.policy {
	case v1.IdentityPolicy_IDENTITY_POLICY_NATIVE:
		identity.Key = identity.Key[:0]
		for _, i := range d.plan.native {
			value := d.m.get(i)
			if value == "" && len(d.plan.native) == 1 {
				s := source{columns: d.plan.native, name: d.plan.header.names[i]}
				return proto.EventID{}, d.m.fault(&s, ingest.ReasonMissingElement, "the row has no id")
			}
			identity.Key = append(binary.AppendUvarint(identity.Key, uint64(len(value))), value...)
		}
	case v1.IdentityPolicy_IDENTITY_POLICY_CONTENT_ORDINAL:
		binary.BigEndian.PutUint32(key[sha16:], d.ordinals.next(hash))
		identity.Key = key[:]
	}
	return proto.NewEventID(identity), nil
}

const sha16 = len(proto.ContentHash{})
