package fhir

import v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

// auditEventR5 is AuditEvent of R5 (section 6.4), as far as it is emitted.
type auditEventR5 struct {
	ResourceType     string      `json:"resourceType"`
	ID               string      `json:"id"`
	Meta             meta        `json:"meta"`
	Contained        []contained `json:"contained,omitempty"`
	Extension        []extension `json:"extension,omitempty"`
	Category         []concept   `json:"category,omitempty"`
	Code             concept     `json:"code"`
	Action           string      `json:"action,omitempty"`
	OccurredPeriod   *period     `json:"occurredPeriod,omitempty"`
	OccurredDateTime string      `json:"occurredDateTime,omitempty"`
	Recorded         string      `json:"recorded,omitempty"`
	RecordedAbsent   *absent     `json:"_recorded,omitempty"`
	Outcome          *outcomeR5  `json:"outcome,omitempty"`
	Authorization    []concept   `json:"authorization,omitempty"`
	BasedOn          []reference `json:"basedOn,omitempty"`
	Patient          *reference  `json:"patient,omitempty"`
	Encounter        *reference  `json:"encounter,omitempty"`
	Agent            []agentR5   `json:"agent"`
	Source           sourceR5    `json:"source"`
	Entity           []entityR5  `json:"entity,omitempty"`
}

type outcomeR5 struct {
	Code coding `json:"code"`
}

type agentR5 struct {
	Extension     []extension `json:"extension,omitempty"`
	Type          *concept    `json:"type,omitempty"`
	Role          []concept   `json:"role,omitempty"`
	Who           reference   `json:"who"`
	Requestor     *bool       `json:"requestor,omitempty"`
	Location      *reference  `json:"location,omitempty"`
	Policy        []string    `json:"policy,omitempty"`
	NetworkURI    string      `json:"networkUri,omitempty"`
	NetworkString string      `json:"networkString,omitempty"`
}

type sourceR5 struct {
	Site     *reference `json:"site,omitempty"`
	Observer reference  `json:"observer"`
}

type entityR5 struct {
	What          *reference `json:"what,omitempty"`
	Role          *concept   `json:"role,omitempty"`
	SecurityLabel []concept  `json:"securityLabel,omitempty"`
	Detail        []detailR5 `json:"detail,omitempty"`
}

type detailR5 struct {
	Type        concept `json:"type"`
	ValueString string  `json:"valueString"`
}

// r5 emits the event as R5.
func (v *view) r5() *auditEventR5 {
	e := v.ev
	k := kindsOf(e, R5)
	out := &auditEventR5{
		ResourceType: "AuditEvent", ID: v.found.ID, Meta: v.meta(), Extension: v.extensions(R5), Category: conceptsOf(k.broad),
		Code: concept{Extension: unknown()}, Action: letter(e), Recorded: instant(e.RecordedUs),
		Authorization: conceptsOf(codingsOf(e.Purposes)),
		BasedOn:       v.basedOn(),
		Source:        sourceR5{Observer: reference{Display: textOf(e.Observer)}},
	}
	if len(k.narrow) > 0 {
		out.Code = conceptOf(k.narrow[0])
	}
	if out.Recorded == "" {
		out.RecordedAbsent = &absent{unknown()}
	}
	switch p := periodOf(e); {
	case p == nil:
	case p.End == "":
		out.OccurredDateTime = p.Start
	default:
		out.OccurredPeriod = p
	}
	if c := outcomeOfR5(e); c.Code != "" {
		out.Outcome = &outcomeR5{c}
	}
	if site := textOf(e.Site); site != "" {
		out.Source.Site = &reference{Display: site}
	}
	if out.Source.Observer.Display == "" {
		out.Source.Observer.Extension = unknown()
	}
	if len(e.Patients) == 1 && len(v.entities) > 0 && v.entities[0].role.Code == rolePatient.Code {
		out.Patient = v.entities[0].what
	}
	if e.Encounter.GetValue() != "" {
		out.Encounter = v.refer(refs{ids: []*v1.Identifier{e.Encounter}, typ: "Encounter"})
	}
	for _, a := range v.agents {
		out.Agent = append(out.Agent, a.r5())
	}
	for _, x := range v.entities {
		out.Entity = append(out.Entity, x.r5())
	}
	out.Contained = v.contained
	return out
}

// outcomeOfR5 keeps a code of R5's own, and says R4's indicator in R4's code system, as the examples of R5 do.
func outcomeOfR5(e *v1.AccessEvent) coding {
	switch e.OutcomeCode {
	case "success", "information", "warning", "error", "fatal":
		return coding{System: systemSeverity, Code: e.OutcomeCode}
	}
	if code := outcomeR4(e); code != "" {
		return coding{System: systemOutcome, Code: code}
	}
	return coding{}
}

func (a *agentView) r5() agentR5 {
	out := agentR5{Extension: a.extension, Role: conceptsOf(a.role), Location: a.location, Policy: a.policy}
	if a.who != nil {
		out.Who = *a.who
	} else {
		out.Who.Extension = unknown()
	}
	if a.absent {
		return out
	}
	out.Requestor = &a.requestor
	if len(a.kinds) > 0 {
		out.Type = &concept{Coding: a.kinds}
	}
	if networkType(a.address) == networkURI {
		out.NetworkURI = uriOf(a.address)
	} else {
		out.NetworkString = a.address
	}
	return out
}

func (x *entityView) r5() entityR5 {
	out := entityR5{What: x.what}
	switch {
	case !x.role.isZero():
		role := conceptOf(x.role)
		out.Role = &role
	case !x.typ.isZero():
		// R5 has no type of an entity: the source's own word for it is the nearest to a role.
		role := conceptOf(x.typ)
		out.Role = &role
	}
	for _, label := range x.sensitivity {
		out.SecurityLabel = append(out.SecurityLabel, conceptOf(codingOf(&v1.Coding{Code: label})))
	}
	for _, d := range x.detail {
		out.Detail = append(out.Detail, detailR5{concept{Text: d.name}, d.value})
	}
	return out
}
