package console

import (
	"net/url"
	"slices"
)

// refusedStep is what was typed into a step of a case that was not journaled.
type refusedStep struct {
	// handle is that of the case's page.
	handle string
	form   url.Values
}

// keepStep keeps what was typed into a step until it, or another step of its case, is journaled. Of a session the last one is kept: a form
// has at most maxForm bytes.
func (v *views) keepStep(handle string, form url.Values) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refused = refusedStep{handle, form}
}

// dropStep forgets what was typed into steps of a case.
func (v *views) dropStep(handle string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.refused.handle == handle {
		v.refused = refusedStep{}
	}
}

// refusedStep is what was typed and not journaled of a case; nil: nothing. Nobody changes it.
func (v *views) refusedStep(handle string) url.Values {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.refused.handle != handle {
		return nil
	}
	return v.refused.form
}

// lostOf are the texts of a form that is offered no more: a field by its name.
func lostOf(form url.Values) (out []choice) {
	for _, x := range stepFields {
		if text := form.Get(x.Value); text != "" {
			out = append(out, choice{Value: text, Name: x.Name})
		}
	}
	return out
}

// typedIntoAlert is typedInto of an alert's forms: its decision, and the case that is opened from it.
func typedIntoAlert(form url.Values, decisions []choice) typed {
	if form == nil || form.Get("step") == "case" || len(decisions) > 0 {
		return typed{form: form}
	}
	return typed{Lost: lostOf(form)}
}

// stepFields are what people write into steps, and what a page calls it where its form is offered no more.
var stepFields = []choice{
	{Value: "text", Name: "Text"},
	{Value: "comment", Name: "Why"},
	{Value: "title", Name: "Title"},
	{Value: "name", Name: "Who it is"},
	{Value: "to", Name: "To"},
	{Value: "shown", Name: "Accesses to show them"},
	{Value: "assignee", Name: "Assigned to"},
	{Value: "official", Name: "Official"},
	{Value: "agency", Name: "Agency"},
	{Value: "factor-1", Name: "Factor 1"},
	{Value: "factor-2", Name: "Factor 2"},
	{Value: "factor-3", Name: "Factor 3"},
	{Value: "factor-4", Name: "Factor 4"},
	{Value: "law-2-why", Name: "Under California"},
	{Value: "law-3-why", Name: "Under GDPR"},
}

// written reports whether a form holds anything that somebody wrote.
func written(form url.Values) bool {
	return slices.ContainsFunc(stepFields, func(x choice) bool { return form.Get(x.Value) != "" })
}

// typed fills the form of a step with what was typed into it before, or tells it apart where there is no such form.
type typed struct {
	form url.Values
	// Lost are the texts of a step whose form is offered no more: a field by its name.
	Lost []choice
}

// typedInto finds what was typed into a step of a case and not journaled, and where it belongs in the page as it is now.
func typedInto(form url.Values, w caseWork) typed {
	if form == nil || w.offers(form) {
		return typed{form: form}
	}
	return typed{Lost: lostOf(form)}
}

// offers reports whether a step that was typed has its form on the page, and would mean there what it meant: the question is still without
// an answer, the hold still as it was.
func (w caseWork) offers(form url.Values) bool {
	switch form.Get("step") {
	case "note", "ask":
		return w.Work
	case "answer":
		return w.Work && slices.ContainsFunc(w.Unanswered, func(q choice) bool { return q.Value == form.Get("question") })
	case "assess", "conclude", "notice", "delay", "assign", "close":
		return w.Judge
	case "hold":
		return w.Judge && (form.Get("held") == "0") == w.Held
	case "reopen":
		return w.Reopen
	}
	return false
}

// Placed reports whether a form of the page has what was typed.
func (t typed) Placed() bool { return t.form != nil }

// In reports whether it was typed into this step.
func (t typed) In(step string) bool { return t.form.Get("step") == step }

// Of is what was typed into a field of a step.
func (t typed) Of(step, field string) string {
	if !t.In(step) {
		return ""
	}
	return t.form.Get(field)
}

// Is reports whether a field of a step was given this value.
func (t typed) Is(step, field, value string) bool {
	return t.In(step) && slices.Contains(t.form[field], value)
}
