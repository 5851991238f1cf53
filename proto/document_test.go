package proto_test

import (
	"testing"
	"time"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// TestDocumentText: the end is no part of it, days are those of the zone, and what has no beginning or no end says so.
func TestDocumentText(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	at := func(text string) int64 {
		when, err := time.ParseInLocation("2006-01-02 15:04", text, zone)
		if err != nil {
			t.Fatal(err)
		}
		return when.UnixMicro()
	}
	for want, d := range map[string]*v1.Document{
		"":           nil,
		"event 4097": {Position: 4097},
		"Encounter/e17, 3 March to 9 March 2026": {
			Source: "emr", Type: "Encounter", Id: "e17", FromUs: at("2026-03-03 00:30"), UntilUs: at("2026-03-10 00:00"),
		},
		"Appointment/9, on 3 March 2026":              {Type: "Appointment", Id: "9", FromUs: at("2026-03-03 00:30"), UntilUs: at("2026-03-03 01:00")},
		"Contract/c, 1 December 2025 to 1 March 2026": {Type: "Contract", Id: "c", FromUs: at("2025-12-01 00:00"), UntilUs: at("2026-03-01 00:01")},
		"CareTeam/t, from 3 March 2026":               {Type: "CareTeam", Id: "t", FromUs: at("2026-03-03 00:00")},
		"Consent/k, until 3 March 2026":               {Type: "Consent", Id: "k", UntilUs: at("2026-03-04 00:00")},
		"Patient/p":                                   {Type: "Patient", Id: "p"},
		"on 4 March 2026":                             {FromUs: at("2026-03-04 00:00"), UntilUs: at("2026-03-05 00:00")},
	} {
		if got := proto.DocumentText(d, zone); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
