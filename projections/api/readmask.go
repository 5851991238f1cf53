package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"connectrpc.com/connect"
	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// A request may name the fields of the answer that it wants (google.aip.dev/157, google.aip.dev/161). One interceptor before all services
// refuses paths that the answer does not have, before anything is looked up, and prunes the answer after it was made, journaled and
// veiled: a mask narrows what leaves, and nothing of what is journaled. fieldmaskpb's own check refuses paths through lists, which are most
// of what an answer is, so paths are walked here.

const (
	// readMask is the field of a request that holds the mask.
	readMask = "read_mask"
	// maxMaskPaths bounds a mask: the widest answer has about 150 fields.
	maxMaskPaths = 200
	// maxMaskDepth bounds a path: messages may hold themselves.
	maxMaskDepth = 16
	// everything is the path of all fields (AIP-157), and of every element of a list (AIP-161).
	everything = "*"
)

// alwaysThere are the fields of an answer that no mask leaves out: what it rests on and is not whole in, without which its rows, or that
// there are none, say more than is known, and how to go on.
func alwaysThere() []protoreflect.Name {
	return []protoreflect.Name{"header", "candidates", "from", "to", "sampled", "notes", "next_page_token"}
}

// wantedFields are the fields of a message that are wanted, and of each which of its own; nil: all of it.
type wantedFields map[protoreflect.Name]wantedFields

type maskKey struct{}

// masking is the interceptor of answers to requests that have a mask.
func masking() connect.Interceptor {
	return connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			mask := maskOf(req.Any())
			if len(mask.GetPaths()) == 0 {
				return next(ctx, req)
			}
			method, ok := req.Spec().Schema.(protoreflect.MethodDescriptor)
			if !ok {
				return nil, connect.NewError(connect.CodeInternal, errors.New("the answer's fields are not known"))
			}
			wanted, err := wantedOf(method.Output(), mask.Paths)
			if err != nil {
				return nil, err
			}
			res, err := next(context.WithValue(ctx, maskKey{}, mask.Paths), req)
			if err != nil || wanted == nil {
				return res, err
			}
			answer, ok := res.Any().(protobuf.Message)
			if !ok {
				return nil, connect.NewError(connect.CodeInternal, errors.New("the answer's fields are not known"))
			}
			// Answers share parts with each other, so what is dropped below the top is dropped of a copy.
			return withMessage(res, pruned(answer, wanted))
		}
	})
}

// withMessage puts a message into the place of an answer's.
func withMessage(res connect.AnyResponse, m protobuf.Message) (connect.AnyResponse, error) {
	answer, ok := res.Any().(protobuf.Message)
	if !ok {
		return nil, connect.NewError(connect.CodeInternal, errors.New("the answer's fields are not known"))
	}
	r := answer.ProtoReflect()
	r.Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if !m.ProtoReflect().Has(f) {
			r.Clear(f)
		}
		return true
	})
	m.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		r.Set(f, value)
		return true
	})
	return res, nil
}

// maskOf is the mask of a request; nil when it has none.
func maskOf(req any) *fieldmaskpb.FieldMask {
	m, ok := req.(interface{ GetReadMask() *fieldmaskpb.FieldMask })
	if !ok {
		return nil
	}
	return m.GetReadMask()
}

// noteMask tells the journal which fields left.
func noteMask(ctx context.Context, q *v1.Question) {
	q.ReadMask, _ = ctx.Value(maskKey{}).([]string)
}

// wantedOf reads paths; nil: everything is wanted. The error names the path that the message does not have.
func wantedOf(m protoreflect.MessageDescriptor, paths []string) (wantedFields, error) {
	if len(paths) > maxMaskPaths {
		return nil, invalid(readMask, fmt.Sprintf("at most %d paths", maxMaskPaths))
	}
	if slices.Contains(paths, everything) {
		if len(paths) > 1 {
			return nil, invalid(readMask, `"*" is everything, and stands alone`)
		}
		return nil, nil //nolint:nilnil // nothing is left out
	}
	wanted := wantedFields{}
	for _, path := range paths {
		if err := wanted.add(m, path); err != nil {
			return nil, err
		}
	}
	for _, name := range alwaysThere() {
		if m.Fields().ByName(name) != nil {
			wanted[name] = nil
		}
	}
	return wanted, nil
}

// add adds a path. A field that is wanted wholly stays so.
func (w wantedFields) add(m protoreflect.MessageDescriptor, path string) error {
	parts := strings.Split(path, ".")
	unknown := func() error { return invalid(readMask, fmt.Sprintf("the answer has no field %q", safePath(path))) }
	if len(parts) > maxMaskDepth {
		return unknown()
	}
	for len(parts) > 0 {
		f := m.Fields().ByName(protoreflect.Name(parts[0]))
		if f == nil {
			return unknown()
		}
		parts = parts[1:]
		if len(parts) > 0 && parts[0] == everything && f.IsList() { // each element: as without
			parts = parts[1:]
		}
		inner, known := w[f.Name()]
		switch {
		case len(parts) == 0:
			w[f.Name()] = nil
			return nil
		case f.Message() == nil || f.IsMap():
			return unknown()
		case known && inner == nil: // all of it already; the rest of the path has to be there all the same
			inner = wantedFields{}
		case !known:
			inner = wantedFields{}
			w[f.Name()] = inner
		}
		w, m = inner, f.Message()
	}
	return nil
}

// safePath is a path as an error may repeat it: names of fields have no other characters, and whatever else was sent is not told.
func safePath(path string) string {
	const longest = 200
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '*':
			return r
		}
		return '?'
	}, path)
	return clean[:min(len(clean), longest)]
}

// pruned is a copy of a message with what is wanted of it.
func pruned(m protobuf.Message, wanted wantedFields) protobuf.Message {
	if wanted == nil {
		return m
	}
	from := m.ProtoReflect()
	to := from.New()
	from.Range(func(f protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		inner, ok := wanted[f.Name()]
		switch {
		case !ok:
		case inner == nil:
			to.Set(f, value)
		case f.IsList():
			list := to.Mutable(f).List()
			for i := range value.List().Len() {
				list.Append(protoreflect.ValueOfMessage(pruned(value.List().Get(i).Message().Interface(), inner).ProtoReflect()))
			}
		default:
			to.Set(f, protoreflect.ValueOfMessage(pruned(value.Message().Interface(), inner).ProtoReflect()))
		}
		return true
	})
	return to.Interface()
}
