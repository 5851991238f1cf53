package detectors_test

import (
	"testing"

	"github.com/readtrail/readtrail/detectors"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

func TestWhy(t *testing.T) {
	for _, tt := range []struct {
		name, code, display, text string
		purposes                  []string
		want                      detectors.Why
	}{
		{name: "nothing", want: detectors.WhyUnknown},
		{name: "only that it was broken", code: "110127", display: "Emergency Override Started", want: detectors.WhyUnknown},
		{name: "chosen", code: "billing", want: detectors.WhyPayment},
		{name: "chosen, by its display", code: "R17", display: "Quality review", want: detectors.WhyOperations},
		{name: "chosen, of no kind", code: "R17", display: "Reason 17", want: detectors.WhyOther},
		{name: "what was chosen before what was typed", code: "direct-care", text: "claim query", want: detectors.WhyTreatment},
		{name: "typed", code: "BTG", text: "Claim query from payer", want: detectors.WhyPayment},
		{name: "picked and typed", code: "BTG", text: "direct-care\nasdf", want: detectors.WhyTreatment},
		{name: "typed, of no kind", code: "BTG", text: "because Doctor Holm told me", want: detectors.WhyOther},
		{name: "typed, and says nothing", code: "BTG", text: "x", want: detectors.WhyUnknown},
		{name: "care before something else", text: "called to the patient; consult on a claim", want: detectors.WhyTreatment},
		{name: "several others", text: "audit of claims", want: detectors.WhyOther},
		{name: "in another language", text: "Notfall, Patient bewusstlos", want: detectors.WhyEmergency},
		{name: "a request", text: "Patient requests a copy", want: detectors.WhyRequest},
		{name: "a consult that was requested", text: "Consult requested by primary team", want: detectors.WhyTreatment},
		{name: "an operation is no operations", text: "before his operation tomorrow", want: detectors.WhyOther},
		{name: "somebody's name is no bill", text: "Bill Miller asked", want: detectors.WhyOther},
		{name: "what somebody claims is no claim", text: "claims to be my patient", want: detectors.WhyOther},
		{name: "incidental is no incident", text: "incidental finding", want: detectors.WhyOther},
		{name: "a guardian is no lawsuit", text: "legal guardian asked", want: detectors.WhyOther},
		{name: "a director is no direct care", text: "director of nursing asked me", want: detectors.WhyOther},
		{name: "an emergency contact is no emergency", text: "I am her emergency contact", want: detectors.WhyOther},
		{name: "a consultant is no consult", text: "the consultant told me", want: detectors.WhyOther},
		{name: "what emerged is no emergency", text: "it emerged that she knows me", want: detectors.WhyOther},
		{name: "a treaty is no treatment", text: "treaty with the neighbours", want: detectors.WhyOther},
		{name: "hearing is no audit", text: "auditory problems", want: detectors.WhyOther},
		{name: "an administrator is no administration", text: "the administrator asked", want: detectors.WhyOther},
		{name: "a court is no research", text: "the trial is on Monday", want: detectors.WhyOther},
		{name: "a vein is no portal", text: "portal vein", want: detectors.WhyOther},
		{name: "somebody else requests", text: "chart of the patient, a friend requested it", want: detectors.WhyOther},
		{name: "a bill", text: "Question about a bill", want: detectors.WhyPayment},
		{name: "a claim by its number", text: "claim no. 4711", want: detectors.WhyPayment},
		{name: "a claim by its number at once", text: "Claim #4711/2", want: detectors.WhyPayment},
		{name: "an insurance claim", text: "insurance asks about her claim", want: detectors.WhyPayment},
		{name: "chosen, one word", code: "claims", want: detectors.WhyPayment},
		{name: "chosen, one word twice", code: "LEGAL", display: "Legal", want: detectors.WhyOperations},
		{name: "chosen, in one word", code: "DirectPatientCare", want: detectors.WhyTreatment},
		{name: "an incident report", text: "Incident report of the fall", want: detectors.WhyOperations},
		{name: "a legal request", text: "legal request 12", want: detectors.WhyOperations},
		{name: "direct patient care", text: "direct patient care", want: detectors.WhyTreatment},
		{name: "a trial", text: "Clinical trial, screening", want: detectors.WhyResearch},
		{name: "what the patient requests", text: "at the patient’s request", want: detectors.WhyRequest},
		{name: "in another language, a bill", text: "Frage der Kostenträger", want: detectors.WhyPayment},
		{name: "in another language, care", text: "Mitbehandlung, Konsil Kardiologie", want: detectors.WhyTreatment},
		{name: "purpose", code: "BTG", purposes: []string{"BTG", "HRESCH"}, want: detectors.WhyResearch},
		{name: "purposes of several kinds", purposes: []string{"HRESCH", "HPAYMT"}, want: detectors.WhyOther},
		{name: "typed before purpose", text: "clinical trial screening", purposes: []string{"HPAYMT"}, want: detectors.WhyResearch},
		{name: "override", code: "ETREAT", purposes: []string{"ETREAT"}, want: detectors.WhyEmergency},
		{name: "an override that says why", code: "ETREAT", text: "Claim query from payer", purposes: []string{"ETREAT"}, want: detectors.WhyPayment},
		{name: "an override for a purpose", code: "ETREAT", purposes: []string{"ETREAT", "TREAT"}, want: detectors.WhyTreatment},
	} {
		e := &v1.AccessEvent{BreakGlass: true}
		if tt.code != "" {
			e.BreakGlassReason = &v1.Coding{Code: tt.code, Display: tt.display}
		}
		for _, p := range tt.purposes {
			e.Purposes = append(e.Purposes, &v1.Coding{Code: p})
		}
		if got := detectors.WhyOf(e, tt.text); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// TestHabits: what is the reader's own is left out, emergencies are treatment, and readers are forgotten after two halves.
func TestHabits(t *testing.T) {
	var h detectors.Habits
	h.Give(1, detectors.WhyTreatment, 20)
	h.Give(2, detectors.WhyEmergency, 20)
	h.Give(3, detectors.WhyPayment, 4)
	check := func(what string, reader int32, w detectors.Why, own uint16, want [3]int) {
		t.Helper()
		of, all, readers := h.Others(reader, w, own)
		if got := [3]int{int(of), int(all), readers}; got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	check("somebody else", 9, detectors.WhyTreatment, 0, [3]int{40, 44, 3})
	check("the only one who gave it", 3, detectors.WhyPayment, 4, [3]int{0, 40, 2})
	check("more of their own than is counted", 3, detectors.WhyPayment, 9, [3]int{0, 40, 2})
	h.Fade()
	h.Give(4, detectors.WhyTreatment, 1)
	check("half as many", 3, detectors.WhyPayment, 2, [3]int{0, 21, 3})
	h.Fade()
	check("readers of the half before", 9, detectors.WhyPayment, 0, [3]int{1, 11, 1})
	for range 8 {
		h.Fade()
	}
	if h.Fade() {
		t.Error("something is left of what was given long ago")
	}
}

// TestBytes holds what the README says that an access and what is usual for a reader take.
func TestBytes(t *testing.T) {
	access, reader := detectors.Sizes()
	if access != 80 || reader > 600 {
		t.Errorf("an access takes %d bytes and a reader %d, want 80 and no more than 600", access, reader)
	}
}
