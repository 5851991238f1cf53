// Package readtrailv1 is the contract between the folders: access events, context, the journal and questions, as protobuf
// messages. Its Go is generated from the schemas beside it, except how messages show themselves in a log.
package readtrailv1

import (
	"log/slog"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// LogValue keeps a careless slog call from printing who and whom: identifiers never reach a log.
func (*Identifier) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// LogValue says which patient only by saying that there is one.
func (*Patient) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// LogValue says which reader only by saying that there is one.
func (*Reader) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// LogValue shows what an operator needs and nobody's identity.
func (e *AccessEvent) LogValue() slog.Value {
	return slog.GroupValue(slog.String("source", e.GetSource()), slog.String("action", e.GetAction().String()))
}

// LogValue shows the kind of fact and where it came from.
func (c *ContextFact) LogValue() slog.Value {
	return slog.GroupValue(slog.String("source", c.GetSource()), slog.String("resource_type", c.GetResourceType()))
}

// LogValue shows which query was asked by which role, not about whom.
func (q *Question) LogValue() slog.Value {
	return slog.GroupValue(slog.String("query", q.GetQuery()), slog.String("role", q.GetRole()))
}

// LogValue shows which alert and which version, not whom it is about.
func (a *AlertVersion) LogValue() slog.Value {
	return slog.GroupValue(slog.String("scenario", a.GetScenario()), slog.Int64("version", int64(a.GetVersion())))
}

// LogValue shows the detector and not whom it speaks of.
func (f *Finding) LogValue() slog.Value { return slog.StringValue(f.GetDetector()) }

// LogValue shows what was decided, not what was written about whom.
func (d *AlertDecision) LogValue() slog.Value { return slog.StringValue(d.GetDisposition().String()) }

// LogValue says that there is a reader, not who.
func (*AlertReader) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// LogValue says that there is a patient, not who.
func (*AlertPatient) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// LogValue shows which scenario, not whom it is about.
func (a *AlertRow) LogValue() slog.Value { return slog.StringValue(a.GetScenario()) }

// LogValue shows what is to be decided, not what is written about whom.
func (d *DecideAlertRequest) LogValue() slog.Value {
	return slog.StringValue(d.GetDisposition().String())
}

// LogValue shows what was decided, not what was written about whom.
func (d *DecisionRow) LogValue() slog.Value { return slog.StringValue(d.GetDisposition().String()) }

// LogValue shows which step of a case it is, not what was written about whom.
func (e *CaseEntry) LogValue() slog.Value {
	return slog.GroupValue(slog.String("step", bodyName(e)), slog.Int64("version", int64(e.GetVersion())))
}

// LogValue shows which step is to be made, not what is written about whom.
func (m *WriteCaseRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("step", bodyName(m)), slog.Int64("version", int64(m.GetVersion())))
}

// LogValue shows how the case stands, not what it is about.
func (r *CaseRow) LogValue() slog.Value { return slog.StringValue(r.GetStatus().String()) }

// LogValue shows which page a saved view is of, not what it is called or asks.
func (e *ViewEntry) LogValue() slog.Value {
	return slog.GroupValue(slog.String("page", e.GetQuestion().pageName()), slog.Int64("version", int64(e.GetVersion())))
}

// LogValue shows which page it is of.
func (q *ViewQuestion) LogValue() slog.Value { return slog.StringValue(q.pageName()) }

// LogValue shows which page the view is of, not what it is called or asks.
func (m *SaveViewRequest) LogValue() slog.Value { return slog.StringValue(m.GetQuestion().pageName()) }

// LogValue shows which page the view is of, not what it is called.
func (r *ViewRow) LogValue() slog.Value { return slog.StringValue(r.GetPage().String()) }

func (q *ViewQuestion) pageName() string {
	r := q.ProtoReflect()
	if f := r.WhichOneof(r.Descriptor().Oneofs().ByName("page")); f != nil {
		return string(f.Name())
	}
	return ""
}

// bodyName is the name of the field that a message has of its alternatives.
func bodyName(m protoreflect.ProtoMessage) string {
	r := m.ProtoReflect()
	if f := r.WhichOneof(r.Descriptor().Oneofs().ByName("body")); f != nil {
		return string(f.Name())
	}
	return ""
}
