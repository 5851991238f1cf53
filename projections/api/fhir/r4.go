package fhir

import v1 "github.com/readtrail/readtrail/proto/readtrail/v1"

// auditEventR4 is AuditEvent of R4 and R4B (section 6.4), as far as it is emitted.
type auditEventR4 struct {
	ResourceType   string      `json:"resourceType"`
	ID             string      `json:"id"`
	Meta           meta        `json:"meta"`
	Contained      []contained `json:"contained,omitempty"`
	Extension      []extension `json:"extension,omitempty"`
	Type           coding      `json:"type"`
	Subtype        []coding    `json:"subtype,omitempty"`
	Action         string      `json:"action,omitempty"`
	Period         *period     `json:"period,omitempty"`
	Recorded       string      `json:"recorded,omitempty"`
	RecordedAbsent *absent     `json:"_recorded,omitempty"`
	Outcome        string      `json:"outcome,omitempty"`
	PurposeOfEvent []concept   `json:"purposeOfEvent,omitempty"`
	Agent          []agentR4   `json:"agent"`
	Source         sourceR4    `json:"source"`
	Entity         []entityR4  `json:"entity,omitempty"`
}

type agentR4 struct {
	Extension       []extension `json:"extension,omitempty"`
	Type            *concept    `json:"type,omitempty"`
	Role            []concept   `json:"role,omitempty"`
	Who             *reference  `json:"who,omitempty"`
	Name            string      `json:"name,omitempty"`
	Requestor       *bool       `json:"requestor,omitempty"`
	RequestorAbsent *absent     `json:"_requestor,omitempty"`
	Location        *reference  `json:"location,omitempty"`
	Policy          []string    `json:"policy,omitempty"`
	Network         *networkR4  `json:"network,omitempty"`
}

type networkR4 struct {
	Address string `json:"address"`
	Type    string `json:"type"`
}

type sourceR4 struct {
	Site     string    `json:"site,omitempty"`
	Observer reference `json:"observer"`
}

type entityR4 struct {
	What          *reference `json:"what,omitempty"`
	Type          *coding    `json:"type,omitempty"`
	Role          *coding    `json:"role,omitempty"`
	SecurityLabel []coding   `json:"securityLabel,omitempty"`
	Detail        []detailR4 `json:"detail,omitempty"`
}

type detailR4 struct {
	Type        string `json:"type"`
	ValueString string `json:"valueString"`
}

// r4 emits the event as R4.
func (v *view) r4() *auditEventR4 {
	e := v.ev
	k := kindsOf(e, R4)
	out := &auditEventR4{
		ResourceType: "AuditEvent", ID: v.found.ID, Meta: v.meta(), Extension: v.extensions(R4),
		Subtype: k.narrow, Action: letter(e), Period: periodOf(e), Recorded: instant(e.RecordedUs), Outcome: outcomeR4(e),
		PurposeOfEvent: conceptsOf(codingsOf(e.Purposes)),
		Source:         sourceR4{Site: textOf(e.Site), Observer: reference{Display: textOf(e.Observer)}},
	}
	if len(k.broad) > 0 {
		out.Type = k.broad[0]
	} else {
		reason := unknown()
		out.Type.Absent = &reason
	}
	if out.Recorded == "" {
		out.RecordedAbsent = &absent{unknown()}
	}
	if out.Source.Observer.Display == "" {
		out.Source.Observer.Extension = unknown()
	}
	for _, a := range v.agents {
		out.Agent = append(out.Agent, a.r4())
	}
	for _, x := range v.entities {
		out.Entity = append(out.Entity, x.r4())
	}
	out.Contained = v.contained
	return out
}

func (a *agentView) r4() agentR4 {
	out := agentR4{Extension: a.extension, Role: conceptsOf(a.role), Who: a.who, Location: a.location, Policy: a.policy}
	if a.absent {
		out.RequestorAbsent = &absent{unknown()}
		return out
	}
	out.Requestor = &a.requestor
	out.Name = textOf(a.reader.GetName())
	if len(a.kinds) > 0 {
		out.Type = &concept{Coding: a.kinds}
	}
	if a.address != "" {
		out.Network = &networkR4{a.address, networkType(a.address)}
	}
	return out
}

func (x *entityView) r4() entityR4 {
	out := entityR4{What: x.what}
	if !x.typ.isZero() {
		out.Type = &x.typ
	}
	if !x.role.isZero() {
		out.Role = &x.role
	}
	for _, label := range x.sensitivity {
		out.SecurityLabel = append(out.SecurityLabel, codingOf(&v1.Coding{Code: label}))
	}
	for _, d := range x.detail {
		out.Detail = append(out.Detail, detailR4{d.name, d.value})
	}
	return out
}

// periodOf is when it happened, where that is not when it was recorded.
func periodOf(e *v1.AccessEvent) *period {
	if e.OccurredEndUs == 0 && e.OccurredUs == e.RecordedUs {
		return nil
	}
	p := &period{Start: instant(e.OccurredUs), End: instant(e.OccurredEndUs)}
	if *p == (period{}) {
		return nil
	}
	return p
}
