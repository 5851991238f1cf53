package api

import (
	"context"
	"errors"
	"strconv"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/projections/store"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

const (
	// exportTimeout bounds an export: ten million reports take a minute, over a slow line some more.
	exportTimeout = 30 * time.Minute
	// exportChunk is how many bytes leave at a time: large enough that a message costs nothing beside them.
	exportChunk = 256 << 10
	// exportPatients and exportSubjects bound the patients, and their identifiers, that one journaled page of an export names: with
	// texts of a hundred bytes, 300 KB.
	exportPatients, exportSubjects = 1_000, 3_000
)

// ExportScope writes every report of a scope as a file. The question is journaled, with every patient that the file names,
// before its first byte leaves.
func (x *ScopeService) ExportScope(ctx context.Context, req *connect.Request[v1.ExportScopeRequest], stream *connect.ServerStream[v1.ExportScopeResponse]) error {
	return x.Export(ctx, req.Msg, stream.Send)
}

// Export is ExportScope for a caller in this process: parts go to send, which must not keep their bytes.
func (x *ScopeService) Export(ctx context.Context, m *v1.ExportScopeRequest, send func(*v1.ExportScopeResponse) error) error {
	started := time.Now()
	ctx, cancel := context.WithTimeout(unopened(ctx), exportTimeout)
	defer cancel()
	caller, err := x.s.admit(ctx, queryExportScope, asksOfPeople)
	if err == nil {
		err = x.s.exportScope(ctx, caller, m, func(part *v1.ExportScopeResponse) error {
			part, err := leaving(ctx, x.s, part)
			if err != nil {
				return err
			}
			return send(part)
		})
	}
	err = x.s.translate(ctx, queryExportScope, err)
	x.s.metrics.observe(queryExportScope, err, time.Since(started))
	return err
}

func (s *Service) exportScope(ctx context.Context, c proto.Caller, m *v1.ExportScopeRequest, send func(*v1.ExportScopeResponse) error) error {
	a, err := s.checkScope(ctx, c, queryExportScope, scopeFields{
		query: m.Query, purpose: m.Purpose, questionID: m.QuestionId, zone: m.TimeZone, at: moment{m.AsOfUs, proto.Position(m.AsOfPosition)},
	})
	if err != nil {
		return err
	}
	form := formOf(m.Format, a.zone)
	if form == nil {
		return invalid("format", "CSV, NDJSON or FHIR")
	}
	x, err := s.scope(ctx, a.asking, a.query, a.at, PageToken{})
	if err != nil {
		return err
	}
	defer func() { _ = x.around.wait() }()
	first := &v1.ExportScopeResponse{}
	if len(x.candidates) > 0 {
		question := a.query.question()
		if first.Header, first.Candidates, err = x.askBack(ctx, a, question); err != nil {
			return err
		}
		if err := s.journal(ctx, a.asking, first.Header, question); err != nil {
			return err
		}
		return send(first)
	}
	if first.Header, err = x.header(ctx, a.zone); err != nil {
		return err
	}
	first.Totals, first.Sha256 = x.result.totals(), x.result.sha256()
	if err := s.journalExport(ctx, a, x, first.Header); err != nil {
		return err
	}
	if err := send(first); err != nil {
		return err
	}
	return s.exports.deliver(ctx, send, func(ctx context.Context, out *outbox) error { return x.write(ctx, form, out) })
}

// journalExport journals the question in pages: each names the patients that the file holds, so that the export is found among
// the looks at every one of them.
func (s *Service) journalExport(ctx context.Context, a *scopeAsk, x *scoped, h *v1.AnswerHeader) error {
	question := a.query.question()
	question.Rows = uint64(len(x.result.unresolved))
	patients := 0
	for _, p := range x.result.patients {
		if patients == exportPatients || len(question.Subjects)+len(p.members) > exportSubjects && patients > 0 {
			if err := s.journal(ctx, a.asking, h, question); err != nil {
				return err
			}
			question, patients = a.query.question(), 0
		}
		question.Subjects = append(question.Subjects, p.identifiers()...)
		question.Patients = append(question.Patients, recordsOf([]*scopePatient{p})...)
		question.Rows++
		patients++
	}
	return s.journal(ctx, a.asking, h, question)
}

// write streams the file.
func (x *scoped) write(ctx context.Context, form exportForm, out *outbox) error {
	if err := out.enter(ctx); err != nil {
		return err
	}
	defer out.leave()
	var written uint64
	buffer := form.begin(out.buffer(), x)
	look := documenting{pin: x.pin, together: out.places.rows, emit: func(r *documented) error {
		buffer = form.report(buffer, r)
		if written++; len(buffer) >= out.places.chunk {
			out.put(&v1.ExportScopeResponse{Data: buffer, Reports: written})
			buffer = out.buffer()
		}
		return nil
	}}
	err := x.eachReport(ctx, true, out, func(r *scopeRow, c class) error {
		if !form.documents() {
			return look.emit(&documented{scopeRow: *r, class: c})
		}
		return look.add(ctx, r, c)
	})
	if err == nil {
		err = look.flush(ctx)
	}
	if err != nil {
		return err
	}
	if want := x.result.counts().reports(); written != want {
		return errors.New("the file would hold " + strconv.FormatUint(written, 10) + " reports and not the " + strconv.FormatUint(want, 10) + " of its scope")
	}
	out.leave()
	out.put(&v1.ExportScopeResponse{Data: form.end(buffer), Reports: written, Done: true})
	return out.push(ctx)
}

// exportForm writes reports as a file.
type exportForm interface {
	begin(to []byte, x *scoped) []byte
	report(to []byte, r *documented) []byte
	// documents says whether it tells what documents a verdict: looking that up costs half as much again as the file.
	documents() bool
	end(to []byte) []byte
}

func formOf(f v1.ExportScopeRequest_Format, zone *time.Location) exportForm {
	said := newSaid(zone)
	switch f {
	case v1.ExportScopeRequest_FORMAT_CSV:
		return &csvForm{said: said}
	case v1.ExportScopeRequest_FORMAT_NDJSON:
		return &jsonForm{said: said}
	case v1.ExportScopeRequest_FORMAT_FHIR:
		return &fhirForm{said: said}
	}
	return nil
}

// longer lets the pin's statements run as long as an export may; the question's own time limit ends them before.
func (e *engine) longer() *store.Store {
	return e.store.With(store.Settings{"max_execution_time": strconv.Itoa(int(exportTimeout.Seconds()))})
}
