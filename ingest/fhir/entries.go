package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto/fhirid"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// MaxDocumentBytes bounds one JSON document that holds many resources: a Bundle or an array in a file. It is held in
// memory while it is read.
const MaxDocumentBytes = 64 << 20

// MaxBundleEntries bounds the entries of one Bundle that is posted; more go as newline-delimited JSON, or in a file.
const MaxBundleEntries = 20_000

// maxNestedBundles is how deeply Bundles may hold Bundles.
const maxNestedBundles = 3

// Bundle is a FHIR Bundle taken apart.
type Bundle struct {
	// Type is Bundle.type as sent: "transaction", "batch", "searchset", ...
	Type    string
	Entries []BundleEntry
}

// BundleEntry is one entry of a Bundle.
type BundleEntry struct {
	// Resource is the resource as it stands in the Bundle; nil when there is none.
	Resource []byte
	// Type is its resource type.
	Type    string
	FullURL string
	// Method and URL are its request; empty in Bundles that are no requests.
	Method, URL string
	// Line and Column say where the resource begins in the Bundle.
	Line, Column int

	index int
}

// elementURL is the element of a decode error that concerns an entry's request and not its resource.
const elementURL = "request.url"

// located is an error in the entry with the path of its element in the Bundle, as FHIRPath has it.
func (e *BundleEntry) located(err *ingest.DecodeError) *ingest.DecodeError {
	out := *err
	out.Line, out.Column = e.Line, e.Column
	entry := fmt.Sprintf("Bundle.entry[%d].", e.index)
	_, inside, found := strings.Cut(err.Element, ".")
	switch {
	case err.Element == elementURL:
		out.Element = entry + elementURL
	case found:
		out.Element = entry + "resource." + inside
	default:
		out.Element = entry + "resource"
	}
	return &out
}

// bundleTypes are the codes of Bundle.type, R4's and R5's. What the entries of those that are no requests stand for is
// taken, too: each is a resource.
var bundleTypes = []string{
	typeTransaction, "batch", "collection", "searchset", "history", "document", "message", "transaction-response",
	"batch-response", "subscription-notification",
}

// checkType refuses a Bundle of an unknown type: what was meant as a transaction must not be taken in part.
func checkType(typ string) error {
	switch {
	case typ == "":
		return &ingest.DecodeError{Reason: ingest.ReasonMissingElement, Element: "Bundle.type", Message: "a Bundle has a type: transaction, batch, collection"}
	case !slices.Contains(bundleTypes, typ):
		return &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Element: "Bundle.type", Message: "this is no type of a Bundle: send transaction, batch or collection"}
	}
	return nil
}

// ParseBundle reads a Bundle that was sent to be taken, without decoding its resources. The error is an *ingest.DecodeError.
func (d *Decoder) ParseBundle(data []byte) (*Bundle, error) {
	if len(data) > MaxDocumentBytes {
		return nil, &ingest.DecodeError{Reason: ingest.ReasonTooLarge, Element: "$this", Message: "the document is larger than the limit"}
	}
	if err := d.doc.scan(data); err != nil {
		return nil, err
	}
	if typ, err := d.resourceType(); err != nil {
		return nil, err
	} else if typ != "Bundle" {
		return nil, &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Element: "resourceType", Message: "a Bundle is expected"}
	}
	if d.doc.count(d.doc.get(0, "entry")) > MaxBundleEntries {
		return nil, &ingest.DecodeError{
			Reason: ingest.ReasonTooLarge, Element: "Bundle.entry", Message: fmt.Sprintf("the Bundle has more than %d entries", MaxBundleEntries),
		}
	}
	b := d.bundle()
	return b, checkType(b.Type)
}

// bundle takes the scanned Bundle apart.
func (d *Decoder) bundle() *Bundle {
	b := &Bundle{Type: d.doc.field(0, "type")}
	at := lineCounter{data: d.doc.data, line: 1}
	n := 0
	d.doc.items(d.doc.get(0, "entry"), func(i int) {
		e := BundleEntry{FullURL: d.doc.field(i, "fullUrl"), index: n}
		n++
		if r := d.doc.get(i, "resource"); d.doc.kindOf(r) == kindObject {
			e.Resource = d.doc.raw(r)
			e.Type = d.doc.field(r, "resourceType")
			e.Line, e.Column = at.advance(int(d.doc.nodes[r].start))
		}
		request := d.doc.get(i, "request")
		e.Method, e.URL = strings.ToUpper(d.doc.field(request, "method")), d.doc.field(request, "url")
		b.Entries = append(b.Entries, e)
	})
	return b
}

// lineCounter turns rising offsets into lines and columns.
type lineCounter struct {
	data           []byte
	at, line, last int
}

func (c *lineCounter) advance(offset int) (line, column int) {
	for c.at < offset {
		i := bytes.IndexByte(c.data[c.at:offset], '\n')
		if i < 0 {
			c.at = offset
			break
		}
		c.at += i + 1
		c.last = c.at
		c.line++
	}
	return c.line, offset - c.last + 1
}

// Document is a JSON document from a file or a request.
type Document struct {
	Data []byte
	// Origin, Line and ImportID go into dead letters and events; Line is where Data began, from 1.
	Origin   string
	Line     int
	ImportID []byte
}

// Entries decodes everything in a document: one resource, an array of them, or a Bundle of any type, whose entries are
// then taken one by one. What cannot be decoded is in the result as a dead letter, in its place.
func (d *Decoder) Entries(src ingest.Source, doc Document) []ingest.Entry {
	return d.appendEntries(nil, src, doc)
}

// appendEntries is Entries behind what is in out.
func (d *Decoder) appendEntries(out []ingest.Entry, src ingest.Source, doc Document) []ingest.Entry {
	one := part{Input: Input{Data: doc.Data, ImportID: doc.ImportID}, line: max(doc.Line, 1), column: 1}
	_ = d.walk(src, doc, one, 0, func(e ingest.Entry) error {
		out = append(out, e)
		return nil
	})
	return out
}

// part is a piece of a document.
type part struct {
	Input
	line, column int
}

// walk decodes a part, and the parts in it, and hands each entry on. The error is hand's.
func (d *Decoder) walk(src ingest.Source, doc Document, p part, depth int, hand func(ingest.Entry) error) error {
	entry, parts, err := d.decodeOrSplit(src, p)
	switch {
	case err != nil:
		return hand(d.deadLetter(src, doc, p, err))
	case parts == nil:
		return hand(entry)
	case depth == maxNestedBundles:
		err := &ingest.DecodeError{Reason: ingest.ReasonTooDeep, Element: "Bundle", Message: "Bundles are nested too deeply"}
		return hand(d.deadLetter(src, doc, p, err))
	}
	for _, inner := range parts {
		if err := d.walk(src, doc, inner, depth+1, hand); err != nil {
			return err
		}
	}
	return nil
}

// decodeOrSplit decodes one resource, or returns the parts of what holds many (never nil then).
func (d *Decoder) decodeOrSplit(src ingest.Source, p part) (ingest.Entry, []part, error) {
	if len(p.Data) > MaxDocumentBytes {
		return ingest.Entry{}, nil, &ingest.DecodeError{
			Reason: ingest.ReasonTooLarge, Element: "$this", Message: "the document is larger than the limit",
		}
	}
	if err := d.doc.scan(p.Data); err != nil {
		return ingest.Entry{}, nil, err
	}
	if d.doc.kindOf(0) == kindArray {
		parts := []part{}
		at := lineCounter{data: p.Data, line: p.line}
		d.doc.items(0, func(i int) {
			inner := part{Input: Input{Data: d.doc.raw(i), ImportID: p.ImportID}}
			inner.line, inner.column = at.advance(int(d.doc.nodes[i].start))
			parts = append(parts, inner)
		})
		return ingest.Entry{}, parts, nil
	}
	if d.doc.field(0, "resourceType") == "Bundle" {
		parts := []part{}
		for _, e := range d.bundle().Entries {
			if e.Resource == nil {
				if e.Method == http.MethodDelete {
					parts = append(parts, part{Input: Input{Data: deletion(e.URL), ImportID: p.ImportID, deleted: e.URL}, line: p.line})
				}
				continue
			}
			parts = append(parts, part{
				Input: Input{Data: e.Resource, FullURL: e.FullURL, ImportID: p.ImportID},
				line:  p.line + e.Line - 1, column: e.Column,
			})
		}
		return ingest.Entry{}, parts, nil
	}
	entry, err := d.decodeScanned(src, p.Input)
	return entry, nil, err
}

// deadLetter keeps a part that could not be decoded.
func (d *Decoder) deadLetter(src ingest.Source, doc Document, p part, err error) ingest.Entry {
	return ingest.DeadLetter(src, ingest.Fault{
		Err: AsDecodeError(err), Original: p.Data, MediaType: MediaType, Format: "fhir", Origin: doc.Origin,
		Line: p.line, Column: p.column, ImportID: doc.ImportID,
	})
}

// AsDecodeError returns the decode error in err. Anything else becomes one without details, which could name somebody.
func AsDecodeError(err error) *ingest.DecodeError {
	if typed, ok := errors.AsType[*ingest.DecodeError](err); ok {
		return typed
	}
	return &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Message: "the input could not be decoded"}
}

// deletion is the document that stands for "this resource was deleted": what a Bundle's entry or a DELETE says.
func deletion(reference string) []byte {
	_, value, typ := fhirid.Split(reference, "")
	return []byte(`{"resourceType":"` + safeName(typ) + `","id":` + quote(strings.TrimPrefix(value, typ+"/")) + `}`)
}

// Renumber gives an access event of a source whose equal contents are distinct accesses the id of its ordinal among
// them in its file, from 0.
func Renumber(entry *ingest.Entry, src ingest.Source, ordinal uint64) {
	ev := entry.Item.GetAccess()
	if ev == nil {
		return
	}
	identify(entry, ev, src, ordinal)
}

// NumbersEqualContent reports whether entries of the source need Renumber.
func NumbersEqualContent(src ingest.Source) bool {
	return src.Policy == v1.IdentityPolicy_IDENTITY_POLICY_CONTENT_ORDINAL
}

// emitEntries is how many entries of a document are handed on at once.
const emitEntries = 2048

// Documents decodes one JSON document, or several that follow each other, as Entries does each of them, and hands the
// entries to emit in their order. Equal contents are numbered where the source wants that. The error is emit's.
func Documents(limits Limits, src ingest.Source, doc Document, emit func([]ingest.Entry) error) error {
	d := NewDecoder(limits)
	number := numberer(src)
	var held []ingest.Entry
	flush := func() error {
		number(held)
		err := emit(held)
		held = nil
		return err
	}
	line := max(doc.Line, 1)
	for rest := doc.Data; len(bytes.TrimLeft(rest, " \t\r\n")) > 0; {
		n := d.valueLength(rest)
		one := part{Input: Input{Data: rest[:n:n], ImportID: doc.ImportID}, line: line, column: 1}
		err := d.walk(src, doc, one, 0, func(e ingest.Entry) error {
			if held = append(held, e); len(held) < emitEntries {
				return nil
			}
			return flush()
		})
		if err != nil {
			return err
		}
		line += bytes.Count(rest[:n], newline)
		rest = rest[n:]
	}
	if len(held) == 0 {
		return nil
	}
	return flush()
}

// valueLength is how much of data its first value is, with what stands before it: all of it when that is no JSON value
// or nothing but another value follows. Only the end of a value that is JSON from its beginning to its end is one: where
// a broken one ends nobody knows, and what stands inside it must not be taken for what stands behind it.
func (d *Decoder) valueLength(data []byte) int {
	if len(data) > MaxDocumentBytes {
		return len(data)
	}
	if err := d.doc.scan(data); err == nil || len(d.doc.nodes) == 0 || d.doc.kindOf(0) != kindObject {
		return len(data)
	}
	end := d.doc.closed
	if end == 0 {
		// The limits stop the scan inside of what may still be JSON: too deep, a name twice, too long a string.
		first := json.NewDecoder(bytes.NewReader(data))
		var value json.RawMessage
		if err := first.Decode(&value); err != nil {
			return len(data)
		}
		end = int(first.InputOffset())
	}
	rest := bytes.TrimLeft(data[end:], " \t\r\n")
	if len(rest) == 0 || rest[0] != '{' {
		return len(data)
	}
	return end
}
