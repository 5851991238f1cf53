package fhir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
)

func TestScanRefusesWithThePlace(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65)
	for _, tt := range []struct {
		name, in, reason, element string
		line, column              int
	}{
		{"empty", "", ingest.ReasonInvalidJSON, "$this", 1, 1},
		{"blank", " \n ", ingest.ReasonInvalidJSON, "$this", 2, 2},
		{"cut", `{"resourceType":"AuditEvent","agent":[{"who":{"reference":"Prac`, ingest.ReasonInvalidJSON, "AuditEvent.agent[0].who.reference", 1, 64},
		{"no comma", "{\"resourceType\":\"AuditEvent\",\n\"agent\":[{} {}]}", ingest.ReasonInvalidJSON, "AuditEvent.agent", 2, 13},
		{"trailing comma", `{"a":1,}`, ingest.ReasonInvalidJSON, "$this", 1, 8},
		{"something follows", `{} {}`, ingest.ReasonInvalidJSON, "$this", 1, 4},
		{"duplicate name", "{\"resourceType\":\"AuditEvent\",\"agent\":[{\"who\":1},{\"who\":1,\n\"wh\\u006f\":2}]}", ingest.ReasonDuplicateKey, "AuditEvent.agent[1].who", 2, 2},
		{"control character", "{\"a\":\"b\tc\"}", ingest.ReasonInvalidJSON, "$this.a", 1, 8},
		{"not UTF-8", "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"M\xfcller\"}]}", ingest.ReasonInvalidUTF8, "Patient.name[0].family", 1, 45},
		{"too deep", deep, ingest.ReasonTooDeep, "", 1, 321},
		{"leading zero", `{"a":01}`, ingest.ReasonInvalidJSON, "$this", 1, 7},
		{"a name that could be anything's", `{"Peter Meier":tru}`, ingest.ReasonInvalidJSON, "$this.?", 1, 16},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := fhir.Scan([]byte(tt.in))
			var fault *ingest.DecodeError
			if !errors.As(err, &fault) {
				t.Fatalf("got %v, want a decode error", err)
			}
			if fault.Reason != tt.reason || tt.element != "" && fault.Element != tt.element || fault.Line != tt.line {
				t.Errorf("got %q at %q line %d, want %q at %q line %d", fault.Reason, fault.Element, fault.Line, tt.reason, tt.element, tt.line)
			}
			if tt.name != "cut" && tt.name != "not UTF-8" && fault.Column != tt.column {
				t.Errorf("got column %d, want %d", fault.Column, tt.column)
			}
		})
	}
}

func TestManyNamesAreUnique(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		b.WriteString(`"k` + strings.Repeat("x", i) + `":1,`)
	}
	if err := fhir.Scan([]byte("{" + strings.TrimSuffix(b.String(), ",") + "}")); err != nil {
		t.Error(err)
	}
	if err := fhir.Scan([]byte("{" + b.String() + `"kxx":2}`)); err == nil {
		t.Error("a name that stands twice among many was accepted")
	}
}

// FuzzScan holds the scanner to encoding/json: it accepts the same inputs, up to its documented limits (names that
// stand twice, invalid UTF-8, nesting), takes the same whitespace out and reads the same texts.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-0.5e+3,true,false,null,"x\u00e9\ud83d\ude00\ud800y\n\\\"\/"],"":{"b":{}}}`, "[ ]", " \"\" ", "0", "-", "01", "1.", "1e",
		"{\"a\" : \"b\" , \"c\":[ ] }\n", `{"a":1,"\u0061":2}`, "tru", `"\u12"`, `"\x"`, "\"\x01\"", "\"\xff\"", "[1,]", "{\"a\"}", `{"a":}`, "\"12345678\\\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := fhir.Scan(data)
		var fault *ingest.DecodeError
		if err != nil && !errors.As(err, &fault) {
			t.Fatalf("not a decode error: %v", err)
		}
		valid := json.Valid(data)
		if err == nil && !valid {
			t.Fatal("accepted what encoding/json does not")
		}
		if valid && err != nil {
			switch fault.Reason {
			case ingest.ReasonDuplicateKey, ingest.ReasonInvalidUTF8, ingest.ReasonTooDeep, ingest.ReasonTooLarge:
				return
			}
			t.Fatalf("refused what encoding/json accepts: %v", err)
		}
		if err != nil {
			if fault.Line < 1 || fault.Column < 1 {
				t.Fatalf("no place: %v", fault)
			}
			return
		}
		var want bytes.Buffer
		if err := json.Compact(&want, data); err != nil {
			t.Fatal(err)
		}
		compact, rewritten, texts := fhir.ScanResult(data)
		if !bytes.Equal(compact, want.Bytes()) {
			t.Fatalf("compact is %q, encoding/json has %q", compact, want.Bytes())
		}
		if !bytes.Contains(data, []byte("resourceType")) && !bytes.Equal(rewritten, want.Bytes()) && !bytes.Contains(data, []byte(`\u`)) {
			t.Fatalf("written from the tape it is %q, want %q", rewritten, want.Bytes())
		}
		for i, text := range texts {
			var plain string
			if err := json.Unmarshal(text.Raw, &plain); err != nil || plain != text.Text {
				t.Fatalf("text %d is %q, encoding/json has %q (%v)", i, text.Text, plain, err)
			}
		}
	})
}
