package api

import (
	"context"
	"fmt"
	"slices"

	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/readtrail/readtrail/projections"
	"github.com/readtrail/readtrail/projections/store"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// A mask that leaves out what only the wide rows of a list say spares reading them: a page that draws accesses over time, or counts them,
// shows a time, an action and somebody's name of each. What is journaled is that of the whole answer all the same.

// briefChunk is how many accesses are looked up at a time when little is read of each: with patientsShown keys of 20 digits for each they
// are 200 KB of parameters, far below the megabyte that servers accept.
const briefChunk = 500

// narrow takes the mask of a request; its paths are of the answer.
func (a *listAsk) narrow(answer protobuf.Message, mask *fieldmaskpb.FieldMask) (err error) {
	if len(mask.GetPaths()) > 0 {
		a.wanted, err = wantedOf(answer.ProtoReflect().Descriptor(), mask.Paths)
	}
	return err
}

// wants reports whether an answer is to have one of some fields.
func (w wantedFields) wants(fields ...protoreflect.Name) bool {
	return w == nil || slices.ContainsFunc(fields, func(name protoreflect.Name) bool { _, ok := w[name]; return ok })
}

// within reports whether no fields of a list's elements are wanted but some.
func (w wantedFields) within(list protoreflect.Name, fields ...protoreflect.Name) bool {
	if w == nil {
		return false
	}
	inner, ok := w[list]
	if !ok {
		return true
	}
	for name := range inner {
		if !slices.Contains(fields, name) {
			return false
		}
	}
	return inner != nil
}

// briefOf are fields of an access that its rows say before they are looked up in full: whoever lists more of them here has briefly, or
// the statement that names patients, say it too.
func briefOf(more ...protoreflect.Name) []protoreflect.Name {
	return append([]protoreflect.Name{
		"position", "occurred_us", "received_us", "action", "action_code", "outcome", "mode", "break_glass", "source", "paired",
		"verdict", "explanation", "standing", "missing", "document",
	}, more...)
}

// coded reports whether the action of one of the accesses is told by what its source called it.
func coded(page []*access) bool {
	return slices.ContainsFunc(page, func(a *access) bool {
		return a.shown.action == v1.Action_ACTION_UNSPECIFIED || a.shown.action == v1.Action_ACTION_OTHER
	})
}

// briefly tells an access by what was read of its rows.
func (a *access) briefly() *v1.Access {
	r := a.shown
	out := &v1.Access{
		Position: uint64(r.position), OccurredUs: r.occurred, ReceivedUs: r.received, Action: r.action, Outcome: r.outcome, Mode: r.mode,
		BreakGlass: r.breakGlass, Source: r.source,
	}
	a.complete(out)
	return out
}

// listedOfRecord are the accesses of a page about a record, as far as they are wanted.
func (p *pin) listedOfRecord(ctx context.Context, a *listAsk, keys []uint64, page []*access) ([]*v1.Access, error) {
	if !a.wanted.within("accesses", briefOf("reader")...) || coded(page) {
		return p.details(ctx, keys, page)
	}
	out := make([]*v1.Access, len(page))
	for i, x := range page {
		r := x.shown
		by := &v1.Access{}
		describe(by, projections.Codes{ReaderType: uint8(r.readerType)}, r.actor, labels{})
		out[i] = x.briefly()
		out[i].Reader = by.Reader
	}
	return out, nil
}

// listedOfReader are the accesses of a page about a reader, as far as they are wanted.
func (p *pin) listedOfReader(ctx context.Context, a *listAsk, readers []uint64, page []*access) ([]*v1.Access, error) {
	if !a.wanted.within("accesses", briefOf("patients")...) {
		return p.detailsOfReaders(ctx, readers, page)
	}
	out := make([]*v1.Access, 0, len(page))
	for chunk := range slices.Chunk(page, briefChunk) {
		keys, err := p.patientsOf(ctx, readers, chunk)
		if err != nil {
			return nil, err
		}
		part, err := p.patientsShown(ctx, keys, chunk)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}

// patientsShown tells accesses with their patients, who stand under some keys, and little else.
func (p *pin) patientsShown(ctx context.Context, keys []uint64, page []*access) ([]*v1.Access, error) {
	brief, rows := make(map[uint64]*v1.Access, len(page)), map[uint64]int{}
	out := make([]*v1.Access, len(page))
	for i, a := range page {
		out[i] = a.briefly()
		brief[out[i].Position] = out[i]
	}
	params := places(page)
	params["keys"], params["coded"] = keys, coded(page)
	err := p.query(ctx, "access_patients_shown", params, func(r store.Row) error {
		var position uint64
		var patient, setting string
		if err := r.Scan(&position, &patient, &setting); err != nil {
			return err
		}
		rows[position]++
		a := brief[position]
		if setting != "" {
			a.ActionCode = fields(setting)(0)
		}
		addPatient(a, patient)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read patients of accesses: %w", err)
	}
	for _, a := range out {
		if rows[a.Position] == 0 {
			return nil, fmt.Errorf("read patients of accesses: row at position %d is missing", a.Position)
		}
	}
	return out, nil
}
