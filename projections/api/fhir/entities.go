package fhir

import (
	"slices"
	"strconv"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

	"github.com/readtrail/readtrail/proto/fhirid"
)

// readEntities lists what was touched: patients, parts of records, the query, the request, and last what has no entity of
// its own.
func (v *view) readEntities() {
	for _, p := range v.ev.Patients {
		if what := v.refer(refs{ids: p.Identifiers, name: p.Text, typ: "Patient", people: true}); what != nil {
			v.entities = append(v.entities, entityView{what: what, typ: entityPerson, role: rolePatient})
		}
	}
	for _, o := range v.ev.Objects {
		v.entities = append(v.entities, v.object(o))
	}
	if v.ev.Action == v1.Action_ACTION_SEARCH {
		// That there was a query is known. Its text is sealed: only the original has it.
		v.entities = append(v.entities, entityView{typ: entityObject, role: roleQuery})
	}
	if id := textOf(v.ev.RequestId); id != "" {
		v.entities = append(v.entities, entityView{what: &reference{Identifier: &identifier{Value: id}}, typ: entityRequest, role: roleJobStream})
	}
	details := v.details()
	if len(details) == 0 {
		return
	}
	if len(v.entities) == 0 {
		v.entities = append(v.entities, entityView{})
	}
	v.entities[0].detail = append(v.entities[0].detail, details...)
}

// object is a part of a record.
func (v *view) object(o *v1.Object) entityView {
	e := entityView{sensitivity: o.Sensitivity}
	names := refs{name: o.Name}
	if o.Id.GetValue() != "" {
		names.ids = []*v1.Identifier{o.Id}
	}
	switch typ := textOf(o.Type); {
	case fhirid.IsType(typ):
		names.typ, e.typ, e.role = typ, entityObject, roleResource
	case typ != "":
		e.typ = coding{Display: typ}
	}
	if e.what = v.refer(names); e.what == nil && names.typ != "" {
		e.what = &reference{Extension: unknown(), Type: names.typ}
	}
	if o.Count > 0 {
		e.detail = append(e.detail, detail{"count", strconv.FormatUint(uint64(o.Count), 10)})
	}
	return e
}

// details are coded facts without an element: by their names, as FHIR's entity.detail has them.
func (v *view) details() []detail {
	var out []detail
	add := func(name, value string) {
		if name, value = textOf(name), textOf(value); name != "" && value != "" {
			out = append(out, detail{name, value})
		}
	}
	if v.ev.BreakGlass && !v.tellsBreakGlass() {
		reason := v.ev.BreakGlassReason.GetCode()
		if reason == "" {
			reason = v.ev.BreakGlassReason.GetDisplay()
		}
		if reason == "" {
			reason = "true"
		}
		add("break-glass", reason)
	}
	located := false
	for _, x := range v.ev.Extensions {
		order, _ := v.request(x)
		switch {
		case order != nil:
		case x.Name == "policy" && isNamed(v.ev.Reader), isURL(x.Name), v.tellsConsent(x):
		case x.Name == "location" && isNamed(v.ev.Reader) && (!located || x.Value == v.ev.Reader.Department):
			located = true
		default:
			add(x.Name, x.Value)
		}
	}
	v.disclosed(add)
	return out
}

// tellsConsent reports a fact about a consent that an object or a kind of the event tells already.
func (v *view) tellsConsent(x *v1.Extension) bool {
	switch x.Name {
	case "consent":
		return slices.ContainsFunc(v.ev.Objects, func(o *v1.Object) bool { return o.Type == "Consent" && o.Id.GetValue() == x.Value })
	case "consent_decision":
		authorizes := func(c *v1.Coding) bool { return c.GetCode() == "AuthZ-Consent" }
		return authorizes(v.ev.Type) || slices.ContainsFunc(v.ev.Subtypes, authorizes)
	}
	return false
}

// tellsBreakGlass reports whether one of the codes that are emitted says so already.
func (v *view) tellsBreakGlass() bool {
	reason := v.ev.BreakGlassReason
	if reason == nil {
		return false
	}
	same := func(c *v1.Coding) bool { return c.GetSystem() == reason.System && c.GetCode() == reason.Code }
	return same(v.ev.Type) || slices.ContainsFunc(v.ev.Subtypes, same) || slices.ContainsFunc(v.ev.Purposes, same)
}

// disclosed tells how something left, as far as no agent and no address does.
func (v *view) disclosed(add func(name, value string)) {
	d := v.ev.Disclosure
	if d == nil {
		return
	}
	if d.Channel != "media" {
		add("disclosure-channel", d.Channel)
	}
	if d.RecipientVerified != nil {
		add("disclosure-recipient-verified", strconv.FormatBool(*d.RecipientVerified))
	}
	if d.Encrypted != nil {
		add("disclosure-encrypted", strconv.FormatBool(*d.Encrypted))
	}
	add("disclosure-protocol", d.Protocol)
	add("disclosure-legal-exception", d.LegalException)
	if d.SizeBytes > 0 {
		add("disclosure-size-bytes", strconv.FormatUint(d.SizeBytes, 10))
	}
}
