package rules

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/readtrail/readtrail/detectors"
)

// subject is what an expression is about: one access at a time, used again for the next, so that an evaluation makes nothing
// that is thrown away. It is an activation of CEL.
type subject struct {
	view *detectors.AccessView
	// variables are by name; groups are made once.
	groups map[string]*groupValue
	fields map[string]*field
	lists  map[listKey]ref.Val
}

type listKey struct {
	name string
	bits uint32
}

func newSubject(all []group) *subject {
	s := &subject{groups: map[string]*groupValue{}, fields: map[string]*field{}, lists: map[listKey]ref.Val{}}
	for i := range all {
		g := &all[i]
		if g.name != "" {
			s.groups[g.name] = &groupValue{s, groupType(g.name)}
			continue
		}
		for k := range g.fields {
			s.fields[g.fields[k].name] = &g.fields[k]
		}
	}
	return s
}

// ResolveName is the value of a variable.
func (s *subject) ResolveName(name string) (any, bool) {
	if g, ok := s.groups[name]; ok {
		return g, true
	}
	if f, ok := s.fields[name]; ok {
		return f.get(s), true
	}
	return nil, false
}

// Parent is none.
func (s *subject) Parent() cel.Activation { return nil }

// list is made once for each set of bits; those that occur are few.
func (s *subject) list(name string, all []string, bits uint32) ref.Val {
	key := listKey{name, bits}
	if l, ok := s.lists[key]; ok {
		return l
	}
	var in []ref.Val
	for i, w := range all {
		if bits&(1<<i) != 0 {
			in = append(in, types.String(w))
		}
	}
	l := types.NewRefValList(types.DefaultTypeAdapter, in)
	s.lists[key] = l
	return l
}

// groupType is the type of a variable with fields. A space keeps it out of what can be written: nobody can make such a value.
func groupType(name string) *types.Type { return types.NewObjectType(name + " fields") }

// groupValue is a variable with fields. It is nothing by itself: only its fields are.
type groupValue struct {
	*subject
	typ *types.Type
}

var _ ref.Val = (*groupValue)(nil)

// ConvertToNative converts to nothing.
func (g *groupValue) ConvertToNative(reflect.Type) (any, error) {
	return nil, fmt.Errorf("%s has fields only", g.typ)
}

// ConvertToType converts to nothing.
func (g *groupValue) ConvertToType(ref.Type) ref.Val {
	return types.NewErr("%s has fields only", g.typ)
}

// Equal is true of the variable itself.
func (g *groupValue) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(g)) }

// Type names the fields.
func (g *groupValue) Type() ref.Type { return g.typ }

// Value is the variable itself.
func (g *groupValue) Value() any { return g }

// provider tells CEL which fields there are.
type provider struct {
	types.Provider
	groups map[string]map[string]*field
	names  map[string][]string
}

func newProvider(all []group) *provider {
	p := &provider{types.NewEmptyRegistry(), map[string]map[string]*field{}, map[string][]string{}}
	for i := range all {
		g := &all[i]
		if g.name == "" {
			continue
		}
		typ := groupType(g.name).TypeName()
		p.groups[typ] = map[string]*field{}
		for k := range g.fields {
			p.groups[typ][g.fields[k].name] = &g.fields[k]
			p.names[typ] = append(p.names[typ], g.fields[k].name)
		}
	}
	return p
}

// FindStructType finds the type of a variable with fields.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if p.groups[name] == nil {
		return p.Provider.FindStructType(name)
	}
	return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
}

// FindStructFieldNames lists the fields.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if p.groups[name] == nil {
		return p.Provider.FindStructFieldNames(name)
	}
	return p.names[name], true
}

// FindStructFieldType finds a field.
func (p *provider) FindStructFieldType(name, of string) (*types.FieldType, bool) {
	f := p.groups[name][of]
	if f == nil {
		return nil, false
	}
	return &types.FieldType{
		Type:  f.typ,
		IsSet: func(any) bool { return true },
		GetFrom: func(of any) (any, error) {
			g, ok := of.(*groupValue)
			if !ok {
				return nil, fmt.Errorf("no field %s", f.name)
			}
			v := f.get(g.subject)
			if err, failed := v.(*types.Err); failed {
				return nil, err
			}
			return v, nil
		},
	}, true
}
