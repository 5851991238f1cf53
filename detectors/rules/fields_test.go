package rules_test

import (
	"testing"
	"time"

	"github.com/readtrail/readtrail/detectors"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Every field says what it is named for: each condition holds for the first access and not for the second.
func TestFields(t *testing.T) {
	nothing := func(*v1.AccessEvent) {}
	action := func(a v1.Action) func(*v1.AccessEvent) { return func(e *v1.AccessEvent) { e.Action = a } }
	purpose := func(code string) func(*v1.AccessEvent) {
		return func(e *v1.AccessEvent) { e.Purposes = []*v1.Coding{{Code: code}} }
	}
	type one struct {
		at              time.Duration
		reader, patient string
		change          func(*v1.AccessEvent)
	}
	usual := one{10 * time.Hour, "n1", "p1", nothing}
	for _, tt := range []struct {
		when    string
		yes, no one
	}{
		{`access.action == "print"`, one{0, "n1", "p1", action(v1.Action_ACTION_PRINT)}, usual},
		{`access.action in ["print", "export"]`, one{0, "n1", "p1", action(v1.Action_ACTION_EXPORT)}, usual},
		{`access.occurred < timestamp("2026-03-02T09:00:00Z")`, one{8 * time.Hour, "n1", "p1", nothing}, usual},
		{`access.hour < 6`, one{5 * time.Hour, "n1", "p1", nothing}, usual},
		{`access.weekday == 0 || access.weekday == 6`, one{6*24*time.Hour + time.Hour, "n1", "p1", nothing}, usual},
		{`access.look`, usual, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.Mode = v1.AccessMode_ACCESS_MODE_INCIDENTAL }}},
		{`access.listed`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.Mode = v1.AccessMode_ACCESS_MODE_INCIDENTAL }}, usual},
		{`access.search`, one{0, "n1", "p1", action(v1.Action_ACTION_SEARCH)}, usual},
		{`access.print`, one{0, "n1", "p1", action(v1.Action_ACTION_PRINT)}, usual},
		{`access.export`, one{0, "n1", "p1", action(v1.Action_ACTION_DISCLOSE)}, usual},
		{`access.write`, one{0, "n1", "p1", action(v1.Action_ACTION_UPDATE)}, usual},
		{`access.refused`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.Outcome = v1.Outcome_OUTCOME_SERIOUS_FAILURE }}, usual},
		{`access.break_glass && access.no_reason`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.BreakGlass = true }}, usual},
		{`access.by_patient`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.Reader.Type = v1.ReaderType_READER_TYPE_PATIENT }}, usual},
		{`access.system`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.Mode = v1.AccessMode_ACCESS_MODE_SYSTEM }}, usual},
		{`access.count > 2`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.Objects = []*v1.Object{{Type: "image", Count: 3}} }}, usual},
		{`access.object == "image"`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.Objects = []*v1.Object{{Type: "image"}} }}, usual},
		{`access.workstation.startsWith("home")`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.Workstation = "home-7" }}, usual},
		{`access.network.matches("^10[.]")`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.NetworkAddress = "10.1.2.3" }}, usual},
		{`access.site == "north"`, one{0, "n1", "p1", func(e *v1.AccessEvent) { e.Site = "north" }}, usual},
		{`"research" in access.purposes`, one{0, "n1", "p1", purpose("HRESCH")}, one{0, "n1", "p1", purpose("HPAYMT")}},
		{`access.purposes.exists(p, p.startsWith("pay"))`, one{0, "n1", "p1", purpose("HPAYMT")}, usual},
		{`size(access.purposes.filter(p, p != "payment")) > 0`, one{0, "n1", "p1", purpose("ETREAT")}, one{0, "n1", "p1", purpose("HPAYMT")}},
		{`reader.department == "Clinic C"`, one{0, "c1", "p1", nothing}, usual},
		{`reader.role == "clerk"`, one{0, "c1", "p1", nothing}, usual},
		{`reader.employed && !reader.not_employed`, usual, one{0, "stranger", "p1", nothing}},
		{`patient.vip`, one{0, "n1", "p35", nothing}, usual},
		{`patient.employee && "mental" in patient.labels`, one{0, "n1", "p36", nothing}, usual},
		{`patient.in_care`, usual, one{0, "n1", "p33", nothing}},
		{`patient.known`, usual, one{0, "n1", "unheard", nothing}},
		{`explained`, usual, one{0, "c1", "p33", nothing}},
		{`"the department has the patient" in reasons`, usual, one{0, "c1", "p33", nothing}},
		{`days_without_reason == 1`, one{0, "c1", "p33", nothing}, usual},
		{`kin.metres == -1 && kin.same == 0 && !kin.coworker && reader.department == "Ward W"`, usual, one{0, "c1", "p1", nothing}},
	} {
		t.Run(tt.when, func(t *testing.T) {
			for want, a := range map[bool]one{true: tt.yes, false: tt.no} {
				h := newHospital(t)
				h.access(a.at, a.reader, a.patient, a.change)
				got, asked := false, false
				h.judge(probe{parse(t, "reader", tt.when), func(_ *detectors.AccessView, ok bool, err error) {
					if err != nil {
						t.Fatal(err)
					}
					got, asked = ok, true
				}})
				if !asked {
					t.Fatal("the rule was not asked")
				}
				if got != want {
					t.Errorf("%v, want %v", got, want)
				}
			}
		})
	}
}

// What is known of people, rosters and lists at the time of an access, each of it by a fact.
func TestFieldsOfContext(t *testing.T) {
	address := func(door string) string {
		return `"name":[{"family":"Quux","given":["Z"]}],"birthDate":"1980-05-05","telecom":[{"system":"phone","value":"+1-555-123-4567"}],"address":[{"line":["` + door +
			`"],"city":"Millbrook","postalCode":"00019"}]`
	}
	for _, tt := range []struct {
		when string
		set  func(*hospital)
	}{
		{`patient.deceased`, func(h *hospital) { h.fact("Patient", "p1", `"deceasedDateTime":"2026-03-01"`) }},
		{`reader.vendor`, func(h *hospital) { h.staff("n1", "W", "vendor") }},
		{`reader.not_employed`, func(h *hospital) {
			h.fact("PractitionerRole", "rn1", `"practitioner":{"reference":"Practitioner/n1"},"organization":{"reference":"Organization/W"},"period":{"start":"2020-01-01","end":"2026-01-01"}`)
		}},
		{`patient.watched`, func(h *hospital) {
			h.fact("WatchListEntry", "w1", `"subject":{"reference":"Patient/p1"},"reason":"in the news","list":"press","period":{"start":"2026-01-01","end":"2026-12-31"}`)
		}},
		{`reader.on_duty && !reader.off_duty`, func(h *hospital) { h.duty("n1", "2026-03-02T08:00:00Z", "2026-03-02T16:00:00Z") }},
		{`reader.off_duty && !reader.on_duty`, func(h *hospital) {
			h.duty("n1", "2026-03-02T18:00:00Z", "2026-03-02T20:00:00Z")
			h.duty("n2", "2026-03-02T08:00:00Z", "2026-03-02T16:00:00Z")
		}},
		{`kin.household >= 500 && kin.phone > 0`, func(h *hospital) {
			h.fact("Patient", "p1", address("12 Hill Street"))
			h.fact("Practitioner", "n1", address("12 hill st"))
		}},
		{`kin.same_street && kin.household == 0`, func(h *hospital) {
			h.fact("Patient", "p1", address("12 Hill Street"))
			h.fact("Practitioner", "n1", address("40 Hill St"))
		}},
		{`kin.surname > 0`, func(h *hospital) {
			h.fact("Patient", "p1", address("12 Hill Street"))
			h.fact("Practitioner", "n1", `"name":[{"family":"Quux","given":["Y"]}]`)
		}},
		{`kin.same >= 500`, func(h *hospital) {
			h.fact("Person", "x", `"link":[{"target":{"reference":"Patient/p1"}},{"target":{"reference":"Practitioner/n1"}}]`)
		}},
		{`kin.contact > 0`, func(h *hospital) {
			h.fact("Practitioner", "n1", `"name":[{"family":"Quux","given":["Y"]}]`)
			h.fact("Patient", "p1", `"contact":[{"name":{"family":"Quux","given":["Y"]},"relationship":[{"coding":[{"code":"SIB"}]}]}]`)
		}},
		{`kin.pays > 0 && kin.insures == 0`, func(h *hospital) {
			h.fact("Account", "a1", `"subject":[{"reference":"Patient/p1"}],"guarantor":[{"party":{"reference":"Practitioner/n1"}}]`)
		}},
		{`kin.insures > 0 && kin.pays == 0`, func(h *hospital) {
			h.fact("Coverage", "c1", `"beneficiary":{"reference":"Patient/p1"},"subscriber":{"reference":"Practitioner/n1"}`)
		}},
		{`kin.coworker && kin.colleague`, func(h *hospital) {
			h.fact("Person", "x", `"link":[{"target":{"reference":"Patient/p1"}},{"target":{"reference":"Practitioner/n2"}}]`)
		}},
	} {
		t.Run(tt.when, func(t *testing.T) {
			for _, want := range []bool{false, true} {
				h := newHospital(t)
				h.duty("c9", "2026-03-09T08:00:00Z", "2026-03-09T16:00:00Z") // there is a roster at all
				if want {
					tt.set(h)
				}
				h.access(10*time.Hour, "n1", "p1")
				got, asked := false, false
				h.judge(probe{parse(t, "pair", tt.when), func(_ *detectors.AccessView, ok bool, err error) {
					if err != nil {
						t.Fatal(err)
					}
					got, asked = ok, true
				}})
				if !asked || got != want {
					t.Errorf("asked %v, it holds: %v, want %v", asked, got, want)
				}
			}
		})
	}
}

// duty puts somebody on the roster.
func (h *hospital) duty(staff, from, until string) {
	h.fact("Schedule", "s"+staff, `"actor":[{"reference":"Practitioner/`+staff+`"}]`)
	h.fact("Slot", "slot"+staff, `"schedule":{"reference":"Schedule/s`+staff+`"},"status":"busy","start":"`+from+`","end":"`+until+`"`)
}
