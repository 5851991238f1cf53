package fhir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/fhir"
)

func TestPeek(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/corpora/*/AuditEvent*.json")
	more, _ := filepath.Glob("../../../shared/corpora/*/AuditEvent/*.json")
	d := fhir.NewDecoder(fhir.Limits{})
	src := ingest.Source{Name: "ehr", Zone: time.UTC}
	for _, f := range append(files, more...) {
		b, _ := os.ReadFile(f)
		e, err := d.Decode(src, fhir.Input{Data: b})
		if err != nil {
			fmt.Println(f, err)
			continue
		}
		js, _ := protojson.Marshal(e.Item.GetAccess())
		fmt.Println("##", f)
		fmt.Println(string(js), e.Sealed.FreeText)
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile("../../../shared/corpora/ihe-balp-1.1.4/AuditEvent-ex-auditBasicReadServer.json")
	if err != nil {
		b.Skip(err)
	}
	d := fhir.NewDecoder(fhir.Limits{})
	src := ingest.Source{Name: "ehr", Zone: time.UTC}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := d.Decode(src, fhir.Input{Data: data}); err != nil {
			b.Fatal(err)
		}
	}
}
