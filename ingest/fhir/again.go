package fhir

import (
	"mime"
	"net/http"
	"strings"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto/fhirid"
)

// originTransaction is what transactions that were refused as a whole are kept under.
const originTransaction = "POST /fhir transaction"

const (
	// paramRequest is the parameter of a dead letter's media type that keeps the request it was refused under: "PUT
	// /fhir/Patient/7", or, for an entry of a Bundle, the entry's own, "PATCH Patient/7". It may name somebody, so it is
	// sealed with the original.
	paramRequest = "request"
	// maxRequest bounds it; requestTooLong stands for a longer one and is never taken again.
	maxRequest     = 2 << 10
	requestTooLong = "-"
)

// requestMediaType is MediaType with the request that an original came under.
func requestMediaType(method, address string) string {
	request := method + " " + address
	if len(request) > maxRequest {
		request = requestTooLong
	}
	return mime.FormatMediaType(MediaType, map[string]string{paramRequest: request})
}

// Again decodes the original of a dead letter as the request that brought it was decoded, so that a retry takes nothing
// that sending the same again would not: a resource under another address, an entry with a method that is not taken, a
// part of a transaction. What came in a file or a stream is decoded as Documents does. The entries may hold dead
// letters in their places; atomic says that they are to be kept all or not at all, and there are none then. The error is
// an *ingest.DecodeError, or emit's.
func Again(limits Limits, src ingest.Source, mediaType string, doc Document, emit func([]ingest.Entry) error) (atomic bool, err error) {
	request := ""
	if _, params, err := mime.ParseMediaType(mediaType); err == nil {
		request = params[paramRequest]
	}
	if request == "" && doc.Origin == originTransaction {
		request = "POST /fhir"
	}
	if request == "" {
		return false, Documents(limits, src, doc, emit)
	}
	d := NewDecoder(limits)
	method, address, _ := strings.Cut(request, " ")
	if address == "/fhir" {
		return d.bundleAgain(src, doc, emit)
	}
	var entry ingest.Entry
	if own, found := strings.CutPrefix(address, "/fhir/"); found {
		typ, id, _ := strings.Cut(own, "/")
		entry, err = d.resource(src, doc.Data, typ, id)
	} else {
		entry, err = d.request(src, &BundleEntry{Resource: doc.Data, Method: method, URL: address})
	}
	if err != nil {
		return false, err
	}
	return false, emit([]ingest.Entry{entry})
}

// bundleAgain decodes what was posted to the base.
func (d *Decoder) bundleAgain(src ingest.Source, doc Document, emit func([]ingest.Entry) error) (atomic bool, err error) {
	bundle, err := d.ParseBundle(doc.Data)
	if err != nil {
		return false, err
	}
	atomic = bundle.Type == typeTransaction
	entries := make([]ingest.Entry, 0, len(bundle.Entries))
	for i := range bundle.Entries {
		e := &bundle.Entries[i]
		entry, err := d.request(src, e)
		switch {
		case err == nil:
		case atomic:
			return true, err
		case e.Resource == nil:
			continue
		default:
			entry = entryLetter(src, e, AsDecodeError(err))
		}
		entries = append(entries, entry)
	}
	return atomic, emit(entries)
}

// resource decodes one resource that was sent to the address TYPE/ID, or to TYPE when id is empty.
func (d *Decoder) resource(src ingest.Source, data []byte, typ, id string) (ingest.Entry, error) {
	in := Input{Data: data, ID: id}
	if id == "" {
		in.ID = d.assignedID(data)
	}
	entry, err := d.Decode(src, in)
	if err != nil {
		return entry, err
	}
	return entry, fits(entry, typ, id)
}

// request decodes one entry of a Bundle in the sense of its request.
func (d *Decoder) request(src ingest.Source, e *BundleEntry) (ingest.Entry, error) {
	if e.Method == http.MethodDelete && e.Resource == nil && e.Type != "AuditEvent" {
		return d.Decode(src, Input{Data: deletion(e.URL), deleted: e.URL})
	}
	if e.Method != "" && e.Method != http.MethodPost && e.Method != http.MethodPut {
		return ingest.Entry{}, &ingest.DecodeError{
			Reason: ingest.ReasonRefused, Message: "of requests, only POST, PUT and DELETE are taken",
		}
	}
	if e.Resource == nil {
		return ingest.Entry{}, &ingest.DecodeError{Reason: ingest.ReasonMissingElement, Element: "resource", Message: "the entry holds no resource"}
	}
	in := Input{Data: e.Resource, FullURL: e.FullURL}
	if e.Method != http.MethodPut {
		in.ID = d.assignedID(e.Resource)
		return d.Decode(src, in)
	}
	_, value, typ := fhirid.Split(e.URL, "")
	if typ == "" {
		return ingest.Entry{}, &ingest.DecodeError{
			Reason: ingest.ReasonInvalidValue, Element: elementURL, Message: "a PUT names the type and the id of its resource",
		}
	}
	// "Patient?identifier=..." has a type and no id.
	if id, found := strings.CutPrefix(value, typ+"/"); found {
		in.ID = id
	}
	entry, err := d.Decode(src, in)
	if err != nil {
		return entry, err
	}
	return entry, fits(entry, typ, in.ID)
}

// entryLetter keeps an entry of a Bundle that could not be decoded.
func entryLetter(src ingest.Source, e *BundleEntry, err *ingest.DecodeError) ingest.Entry {
	media := MediaType
	if e.Method != "" {
		media = requestMediaType(e.Method, e.URL)
	}
	return ingest.DeadLetter(src, ingest.Fault{
		Err: err, Original: e.Resource, MediaType: media, Format: "fhir", Origin: "POST /fhir", Line: e.Line, Column: e.Column,
	})
}
