package proto_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const secret = "7654321"

// TestIdentifiersRedactThemselves prints and logs identifiers in every way there is.
func TestIdentifiersRedactThemselves(t *testing.T) {
	patient, reader := proto.NewPatientID("urn:oid:1.2.3", secret), proto.NewReaderID("urn:users", secret)
	wrapped := struct {
		P proto.PatientID
		R *proto.ReaderID
		M map[string]proto.PatientID
		S []proto.ReaderID
		p proto.PatientID
		r *proto.ReaderID
	}{patient, &reader, map[string]proto.PatientID{"k": patient}, []proto.ReaderID{reader}, patient, &reader}
	check := func(how, out string) {
		t.Helper()
		for _, part := range []string{secret, "urn:oid", "urn:users", fmt.Sprintf("%x", secret), fmt.Sprintf("%q", []byte(secret))} {
			if strings.Contains(out, part) {
				t.Errorf("%s says %s", how, out)
			}
		}
	}
	for _, value := range []any{patient, &patient, reader, &reader, patient.Identity, wrapped, &wrapped, []any{patient, wrapped}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%t", "%c", "%U", "%e", "%b", "%o", "%p", "%10v", "%-10s", "%.3s"} {
			check(fmt.Sprintf("%s of %T", verb, value), fmt.Sprintf(verb, value))
		}
		check("Sprint", fmt.Sprint(value))
		check("Errorf", fmt.Errorf("failed on %v: %w", value, errors.New("x")).Error())
		out, err := json.Marshal(value)
		if err != nil {
			t.Errorf("json of %T: %v", value, err)
		}
		check(fmt.Sprintf("json of %T", value), string(out))
		for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var b bytes.Buffer
			log := slog.New(handler(&b))
			log.Info("m", slog.Any("id", value))
			log.With(slog.Any("id", value)).WithGroup("g").Info("m", slog.Group("h", slog.Any("id", value)))
			check(fmt.Sprintf("slog %s of %T", name, value), b.String())
		}
	}
	if out, err := xml.Marshal(patient); err == nil {
		check("xml", string(out))
	}
	if m := map[proto.PatientID]int{patient: 1}; true {
		out, err := json.Marshal(m)
		if err != nil {
			t.Error(err)
		}
		check("json key", string(out))
	}
	if got := patient.Reveal(); got.Value != secret || got.System != "urn:oid:1.2.3" {
		t.Errorf("revealed as %v", got)
	}
	if patient != proto.NewPatientID("urn:oid:1.2.3", secret) || patient == proto.NewPatientID("urn:oid:1.2.3", "x") {
		t.Error("equality is wrong")
	}
	if patient.IsZero() || !(proto.ReaderID{}).IsZero() {
		t.Error("IsZero is wrong")
	}
}

// TestMessagesRedactThemselves logs protobuf messages that name people.
func TestMessagesRedactThemselves(t *testing.T) {
	id := &v1.Identifier{System: "s", Value: secret}
	for _, m := range []slog.LogValuer{
		id, &v1.Patient{Identifiers: []*v1.Identifier{id}, Text: secret}, &v1.Reader{Identifiers: []*v1.Identifier{id}, Name: secret},
		&v1.AccessEvent{Source: "emr", Reader: &v1.Reader{Name: secret}, SourceEventId: secret},
		&v1.ContextFact{Source: "emr", ResourceId: secret, Resource: []byte(secret)}, &v1.Question{Patient: id, Purpose: secret},
	} {
		var text, js bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("m", slog.Any("v", m))
		slog.New(slog.NewJSONHandler(&js, nil)).Info("m", slog.Any("v", m))
		if strings.Contains(text.String()+js.String(), secret) {
			t.Errorf("%T says %s %s", m, text.String(), js.String())
		}
	}
}
