package readback_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"pgregory.net/rapid"

	"github.com/readtrail/readtrail/projections/api/fhir"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// texts are what fields hold, and should not.
var texts = []string{
	"", "x", "Müller, Max", "a b", " blanks ", "two  blanks", "tab\there", "line\nbreak", "\x00\x1f", "ctrl\x07", "   ", "<b>&\"'", "\u2028", "日本",
	"urn:oid:1.2.3", "https://ehr.example/fhir", "Patient/1", "Practitioner/9", "10.0.0.1", "ws-1.ward", "https://srv.example/fhir", "0", "E", "rest",
	"110122", "source:ehr",
}

// drawEvent draws an event of any kind that the contract allows: what adapters make and what they should not.
func drawEvent(t *rapid.T) *v1.AccessEvent {
	word := rapid.OneOf(rapid.SampledFrom(texts), rapid.String())
	draw := func(name string) string { return word.Draw(t, name) }
	maybe := func(name string) bool { return rapid.Bool().Draw(t, name) }
	number := func(name string, most int) int { return rapid.IntRange(0, most).Draw(t, name) }
	instant := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1_400_000_000_000_000, 1_900_000_000_000_000), rapid.Int64())
	ids := func(name string) (out []*v1.Identifier) {
		for range number(name, 4) {
			out = append(out, &v1.Identifier{System: draw(name), Value: draw(name)})
		}
		return out
	}
	coding := func(name string) *v1.Coding {
		if !maybe(name) {
			return nil
		}
		return &v1.Coding{System: draw(name), Code: draw(name), Display: draw(name)}
	}
	codings := func(name string) (out []*v1.Coding) {
		for range number(name, 3) {
			out = append(out, &v1.Coding{System: draw(name), Code: draw(name), Display: draw(name)})
		}
		return out
	}
	reader := func(name string) *v1.Reader {
		if !maybe(name) {
			return nil
		}
		return &v1.Reader{
			Identifiers: ids(name), Name: draw(name), Type: v1.ReaderType(number(name, 7)), Role: coding(name), Department: draw(name),
		}
	}
	e := &v1.AccessEvent{
		Source: draw("source"), SourceEventId: draw("id"), OccurredUs: instant.Draw(t, "occurred"), RecordedUs: instant.Draw(t, "recorded"),
		OccurredEndUs: instant.Draw(t, "end"), Action: v1.Action(number("action", 12)), ActionCode: draw("action code"),
		Outcome: v1.Outcome(number("outcome", 4)), OutcomeCode: draw("outcome code"), Mode: v1.AccessMode(number("mode", 4)),
		Type: coding("type"), Subtypes: codings("subtypes"), Reader: reader("reader"), OnBehalfOf: reader("on behalf of"),
		Organization: draw("organization"), Site: draw("site"), Observer: draw("observer"), Workstation: draw("workstation"),
		NetworkAddress: draw("address"), Session: draw("session"), RequestId: draw("request"), Purposes: codings("purposes"),
		BreakGlass: maybe("break-glass"), BreakGlassReason: coding("reason"), Sensitivity: []string{draw("sensitivity")},
		SourceSequence: uint64(number("sequence", 9)), Format: rapid.SampledFrom([]string{"R4", "R5", "csv:x", "atna"}).Draw(t, "format"),
		Flags: []string{draw("flag")},
	}
	for range number("patients", 3) {
		e.Patients = append(e.Patients, &v1.Patient{Identifiers: ids("patient"), Text: draw("patient")})
	}
	for range number("objects", 3) {
		o := &v1.Object{Type: draw("object"), Name: draw("object"), Count: uint32(number("object", 3)), Sensitivity: []string{draw("object")}}
		if maybe("object") {
			o.Id = &v1.Identifier{System: draw("object"), Value: draw("object")}
		}
		e.Objects = append(e.Objects, o)
	}
	for range number("participants", 3) {
		if r := reader("participant"); r != nil {
			e.Participants = append(e.Participants, r)
		}
	}
	for range number("extensions", 3) {
		name := rapid.OneOf(word, rapid.SampledFrom([]string{"policy", "location", "consent", "consent_decision", "https://x.example/ext"})).Draw(t, "extension")
		e.Extensions = append(e.Extensions, &v1.Extension{Name: name, Value: draw("extension")})
	}
	if maybe("encounter") {
		e.Encounter = &v1.Identifier{System: draw("encounter"), Value: draw("encounter")}
	}
	if maybe("application") {
		e.Application = &v1.Application{Id: &v1.Identifier{System: draw("application"), Value: draw("application")}, Name: draw("application")}
	}
	if maybe("disclosure") {
		e.Disclosure = &v1.Disclosure{
			Channel: rapid.SampledFrom([]string{"", "media", "fax"}).Draw(t, "channel"), RecipientName: draw("recipient"), Encrypted: new(maybe("encrypted")),
			Recipient: &v1.Identifier{System: draw("recipient"), Value: draw("recipient")}, Protocol: draw("protocol"), SizeBytes: uint64(number("size", 9)),
		}
	}
	return e
}

// TestEmitIsStable: the same event is the same bytes, whatever it holds, and emitting it changes nothing in it.
func TestEmitIsStable(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		e := drawEvent(r)
		before := proto.CloneOf(e)
		for _, version := range []fhir.Version{fhir.R4, fhir.R5} {
			a, b := emit(t, e, version), emit(t, e, version)
			if string(a) != string(b) || !json.Valid(a) {
				r.Fatalf("emitted twice: %s\n%s", a, b)
			}
		}
		if diff := cmp.Diff(before, e, protocmp.Transform()); diff != "" {
			r.Fatalf("changed by emitting it: %s", diff)
		}
	})
}

// TestEmittedEventsComeBack draws AuditEvents as sources send them, decodes, emits and decodes them again, in the version that they
// came in: the same event. In the other version, what both can say is the same.
func TestEmittedEventsComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		data := drawAuditEvent(r)
		e := decode(t, data)
		own := versionOf(e)
		resource := emit(t, e, own)
		if diff := cmp.Diff(normal(e), reread(t, resource), protocmp.Transform()); diff != "" {
			r.Fatalf("-as it came +as it was read back\n%s\n%s\n%s", diff, data, resource)
		}
		other := emit(t, e, fhir.R4+fhir.R5-own)
		if diff := cmp.Diff(common(e), common(reread(t, other)), protocmp.Transform()); diff != "" {
			r.Fatalf("-as it came +as it was read back in the other version\n%s\n%s\n%s", diff, data, other)
		}
	})
}

// common is what both versions say alike: who, whose, what, when, and with which outcome.
func common(e *v1.AccessEvent) *v1.AccessEvent {
	e = normal(e)
	out := &v1.AccessEvent{
		OccurredUs: e.OccurredUs, OccurredEndUs: e.OccurredEndUs, RecordedUs: e.RecordedUs, Outcome: e.Outcome, Patients: e.Patients,
		Reader: e.Reader, Participants: e.Participants, Purposes: e.Purposes, Sensitivity: e.Sensitivity, Site: e.Site, Observer: e.Observer,
		NetworkAddress: e.NetworkAddress, RequestId: e.RequestId, Objects: e.Objects, BreakGlass: e.BreakGlass,
	}
	// R5 swapped which kind of event is the first.
	kinds := e.Subtypes
	if e.Type != nil {
		kinds = append(slices.Clone(kinds), e.Type)
	}
	slices.SortFunc(kinds, func(a, b *v1.Coding) int {
		return strings.Compare(a.System+"|"+a.Code+"|"+a.Display, b.System+"|"+b.Code+"|"+b.Display)
	})
	out.Subtypes = kinds
	return out
}
