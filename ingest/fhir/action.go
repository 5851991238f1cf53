package fhir

import (
	"strings"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// eachKind calls f for the type and all subtypes.
func (d *Decoder) eachKind(f func(c *v1.Coding)) {
	if d.ev.Type != nil {
		f(d.ev.Type)
	}
	for _, c := range d.ev.Subtypes {
		f(c)
	}
}

// action tells what was done. The most telling sign wins: login and logout, disclosure, export, print, query, the
// RESTful interaction, the action code, the lifecycle of the entity.
func (d *Decoder) action() {
	letter := d.doc.scalar(d.el.action)
	d.ev.ActionCode = letter
	interaction := v1.Action_ACTION_UNSPECIFIED
	special := v1.Action_ACTION_UNSPECIFIED
	d.eachKind(func(c *v1.Coding) {
		if a := specialAction(c); a != 0 && (special == 0 || a == v1.Action_ACTION_DISCLOSE) {
			special = a
		}
		if a := interactionOf(c); a != 0 && interaction == 0 {
			interaction = a
		}
		if d.ev.ActionCode == "" && (isRESTful(c.System) || interaction != 0) {
			d.ev.ActionCode = c.Code
		}
	})
	if d.ev.ActionCode == "" && d.ev.Type != nil {
		d.ev.ActionCode = d.ev.Type.Code
	}
	byLetter := actionOfLetter(letter)
	switch {
	case special != 0:
		d.ev.Action = special
	case d.lifecycle == "11" || d.lifecycle == "disclose":
		d.ev.Action = v1.Action_ACTION_DISCLOSE
	case d.lifecycle == "10" && (byLetter == 0 || byLetter == v1.Action_ACTION_READ || byLetter == v1.Action_ACTION_EXECUTE):
		d.ev.Action = v1.Action_ACTION_EXPORT
	case interaction != 0:
		d.ev.Action = interaction
	case d.hasQuery && (byLetter == 0 || byLetter == v1.Action_ACTION_EXECUTE || byLetter == v1.Action_ACTION_READ):
		d.ev.Action = v1.Action_ACTION_SEARCH
	case byLetter != 0:
		d.ev.Action = byLetter
	case letter != "" || d.ev.Type != nil:
		d.ev.Action = v1.Action_ACTION_OTHER
	}
}

// specialAction reads DICOM event ids and types, and the record lifecycle of ISO 21089.
func specialAction(c *v1.Coding) v1.Action {
	switch c.Code {
	case "110122":
		return v1.Action_ACTION_LOGIN
	case "110123":
		return v1.Action_ACTION_LOGOUT
	case "110106":
		return v1.Action_ACTION_EXPORT
	case "110112":
		return v1.Action_ACTION_SEARCH
	case "disclose", "Disclosure", "disclosure":
		return v1.Action_ACTION_DISCLOSE
	case "print", "Print", "PRINT":
		return v1.Action_ACTION_PRINT
	}
	return v1.Action_ACTION_UNSPECIFIED
}

// interactionOf reads FHIR's restful-interaction codes, by code where the system is missing.
func interactionOf(c *v1.Coding) v1.Action {
	if !isRESTful(c.System) && c.System != "" && !isLifecycle(c.System) {
		return v1.Action_ACTION_UNSPECIFIED
	}
	switch c.Code {
	case "read", "vread", "history", "history-instance", "history-type", "history-system", "access":
		return v1.Action_ACTION_READ
	case "search", "search-type", "search-system", "search-compartment":
		return v1.Action_ACTION_SEARCH
	case "create", "originate":
		return v1.Action_ACTION_CREATE
	case "update", "patch", "amend":
		return v1.Action_ACTION_UPDATE
	case "delete", "destroy":
		return v1.Action_ACTION_DELETE
	case "operation", "batch", "transaction":
		return v1.Action_ACTION_EXECUTE
	}
	return v1.Action_ACTION_UNSPECIFIED
}

// actionOfLetter reads DICOM's EventActionCode.
func actionOfLetter(letter string) v1.Action {
	switch letter {
	case "C":
		return v1.Action_ACTION_CREATE
	case "R":
		return v1.Action_ACTION_READ
	case "U":
		return v1.Action_ACTION_UPDATE
	case "D":
		return v1.Action_ACTION_DELETE
	case "E":
		return v1.Action_ACTION_EXECUTE
	}
	return v1.Action_ACTION_UNSPECIFIED
}

// isExport reports whether data left: then their source, not their destination, is the one who acted.
func (d *Decoder) isExport() bool {
	export := false
	d.eachKind(func(c *v1.Coding) { export = export || c.Code == "110106" || c.Code == "disclose" })
	return export
}

// disclosure says where a record went when the event tells of a disclosure or an export.
func (d *Decoder) disclosure() {
	authorization := false
	d.eachKind(func(c *v1.Coding) { authorization = authorization || c.Code == "AuthZ-Consent" })
	if d.consent != nil {
		d.addToken("consent", d.consent.Value)
	}
	if authorization {
		switch d.ev.Outcome {
		case v1.Outcome_OUTCOME_SUCCESS:
			d.addExtension("consent_decision", "permit")
		case v1.Outcome_OUTCOME_UNSPECIFIED:
		default:
			d.addExtension("consent_decision", "deny")
		}
	}
	if d.ev.Action != v1.Action_ACTION_DISCLOSE && d.ev.Action != v1.Action_ACTION_EXPORT {
		return
	}
	out := &v1.Disclosure{Consent: d.consent}
	for i := range d.agents {
		a := &d.agents[i]
		if a.dicom != "110152" && a.class != classMedia || out.RecipientName != "" || out.Recipient != nil {
			continue
		}
		if len(a.reader.Identifiers) > 0 {
			out.Recipient = a.reader.Identifiers[0]
		}
		if out.RecipientName = a.reader.Name; out.RecipientName == "" && out.Recipient == nil {
			out.RecipientName = a.address
		}
		if scheme, _, found := strings.Cut(a.address, "://"); found {
			out.Protocol = scheme
		}
		if a.class == classMedia {
			out.Channel = "media"
		}
	}
	d.ev.Disclosure = out
}

// mode says how the patient came before the reader's eyes. The rule, first match wins:
//  1. a purpose that says so (Swiss AUTO, DICOM_AUTO), or no human among the agents: system;
//  2. a search: search;
//  3. login and logout: unspecified, nobody's record was looked at;
//  4. a human with a patient or an object: deliberate.
//
// Incidental is never concluded: an AuditEvent has no way to say that a record was only shown on a list.
func (d *Decoder) mode() {
	ev := d.ev
	human := false
	if ev.Reader != nil {
		switch ev.Reader.Type {
		case v1.ReaderType_READER_TYPE_APPLICATION, v1.ReaderType_READER_TYPE_ORGANIZATION:
		case v1.ReaderType_READER_TYPE_UNSPECIFIED:
			human = len(ev.Reader.Identifiers) > 0 || ev.Reader.Name != ""
		default:
			human = true
		}
	}
	switch {
	case d.systemPurpose, len(d.agents) > 0 && !human:
		ev.Mode = v1.AccessMode_ACCESS_MODE_SYSTEM
	case ev.Action == v1.Action_ACTION_SEARCH:
		ev.Mode = v1.AccessMode_ACCESS_MODE_SEARCH
	case ev.Action == v1.Action_ACTION_LOGIN, ev.Action == v1.Action_ACTION_LOGOUT:
	case human && (len(ev.Patients) > 0 || len(ev.Objects) > 0):
		ev.Mode = v1.AccessMode_ACCESS_MODE_DELIBERATE
	}
}
