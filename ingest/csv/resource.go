package csv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// step is one piece of a path: a key of an object, or a place in a list.
type step struct {
	key   string
	index int
	list  bool
}

// maxPath bounds how deep a resource may be.
const maxPath = 8

// parsePath reads "name[0].family".
func parsePath(text string) ([]step, error) {
	var out []step
	for part := range strings.SplitSeq(text, ".") {
		key, index, list := strings.Cut(part, "[")
		if key == "" || strings.ContainsFunc(key, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-'
		}) {
			return nil, errors.New("want a path such as name[0].family")
		}
		out = append(out, step{key: key})
		if list {
			n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err != nil || n < 0 || n > 99 || !strings.HasSuffix(index, "]") {
				return nil, errors.New("want a path such as name[0].family")
			}
			out = append(out, step{index: n, list: true})
		}
	}
	switch out[0].key {
	case "resourceType", "id", "identifier":
		return nil, errors.New("type, id and identifiers have keys of their own")
	}
	if len(out) > maxPath {
		return nil, fmt.Errorf("at most %d steps", maxPath)
	}
	return out, nil
}

// node is a part of a resource: an object, a list, or a leaf.
type node struct {
	keys   []string
	fields map[string]*node
	list   []*node
	leaf   []source
}

func (n *node) put(path []step, leaf []source) error {
	if len(path) == 0 {
		if n.fields != nil || n.list != nil || n.leaf != nil {
			return errors.New("two paths fill the same place")
		}
		n.leaf = leaf
		return nil
	}
	if n.leaf != nil || (path[0].list && n.fields != nil) || (!path[0].list && n.list != nil) {
		return errors.New("two paths fill the same place")
	}
	if path[0].list {
		for len(n.list) <= path[0].index {
			n.list = append(n.list, &node{})
		}
		return n.list[path[0].index].put(path[1:], leaf)
	}
	if n.fields == nil {
		n.fields = map[string]*node{}
	}
	child, ok := n.fields[path[0].key]
	if !ok {
		child = &node{}
		n.fields[path[0].key] = child
		n.keys = append(n.keys, path[0].key)
	}
	return child.put(path[1:], leaf)
}

// write appends the node as JSON. said reports whether a column had anything to say in it: an object that holds nothing
// but constants is left out when a column of it is empty.
func (n *node) write(out []byte, m *mapper) (_ []byte, said bool, err error) {
	begin := len(out)
	switch {
	case n.leaf != nil:
		return n.writeLeaf(out, m)
	case n.list != nil:
		out = append(out, '[')
		for _, child := range n.list {
			mark := len(out)
			if mark > begin+1 {
				out = append(out, ',')
			}
			var some bool
			if out, some, err = child.write(out, m); err != nil {
				return out, false, err
			}
			if !some {
				out = out[:mark]
			}
			said = said || some
		}
		out = append(out, ']')
	default:
		if out, said, err = n.writeObject(out, m); err != nil {
			return out, false, err
		}
	}
	if !said {
		out = out[:begin]
	}
	return out, said, nil
}

func (n *node) writeObject(out []byte, m *mapper) (_ []byte, said bool, err error) {
	if len(n.keys) == 0 {
		return out, false, nil // a place in a list that no path fills
	}
	begin := len(out)
	columns := false
	out = append(out, '{')
	for _, key := range n.keys {
		mark := len(out)
		if mark > begin+1 {
			out = append(out, ',')
		}
		out = append(strconv.AppendQuote(out, key), ':')
		child := n.fields[key]
		var some bool
		if out, some, err = child.write(out, m); err != nil {
			return out, false, err
		}
		if !some {
			out = out[:mark]
		}
		constant := child.isConst()
		columns = columns || !constant
		said = said || (some && !constant)
	}
	return append(out, '}'), said || !columns, nil
}

func (n *node) isConst() bool { return len(n.leaf) > 0 && n.leaf[0].isConst }

func (n *node) writeLeaf(out []byte, m *mapper) ([]byte, bool, error) {
	for i := range n.leaf {
		s := &n.leaf[i]
		text := s.text(&m.view)
		if text == "" {
			if s.required {
				return out, false, m.fault(s, ingest.ReasonMissingElement, "the column is required and empty")
			}
			continue
		}
		switch s.as {
		case "boolean":
			is, err := parseBool(text)
			if err != nil {
				return out, false, m.fault(s, ingest.ReasonInvalidValue, "neither yes nor no")
			}
			return strconv.AppendBool(out, is), true, nil
		case "number":
			if !json.Valid([]byte(text)) || strings.ContainsAny(text, "\"{[tfn") {
				return out, false, m.fault(s, ingest.ReasonInvalidValue, "not a number")
			}
			return append(out, text...), true, nil
		case "system":
			text = m.expand(text)
		case "date", "instant":
			at, err := m.clock.parse(text)
			if err != nil {
				return out, false, m.fault(s, ingest.ReasonInvalidValue, err.Error())
			}
			form := time.RFC3339Nano
			t := time.UnixMicro(at.us).In(m.clock.zone)
			if s.as == "date" {
				form = time.DateOnly
			}
			text = t.Format(form)
		}
		quoted, err := json.Marshal(text)
		if err != nil {
			return out, false, m.fault(s, ingest.ReasonInvalidValue, "not text")
		}
		return append(out, quoted...), true, nil
	}
	return out, false, nil
}

// resource is a Resource bound to the columns of a file.
type resource struct {
	typ                                      string
	id, effective, version, display, deleted []source
	identifiers                              []source
	root                                     *node
}

func (h *header) bindResource(r Resource, used map[int]bool) (*resource, error) {
	out := &resource{typ: r.Type, root: &node{}}
	for _, part := range []struct {
		to   *[]source
		from Values
	}{
		{&out.id, r.ID},
		{&out.effective, r.Effective},
		{&out.version, r.Version},
		{&out.display, r.Display},
		{&out.deleted, r.Deleted},
		{&out.identifiers, r.Identifiers},
	} {
		var err error
		if *part.to, err = h.bind(part.from, used); err != nil {
			return nil, err
		}
	}
	if len(out.id) == 0 {
		return nil, &ingest.DecodeError{Reason: ingest.ReasonMissingElement, Element: r.Type, Message: "the file has no column for the resource's id"}
	}
	for _, path := range sortedKeys(r.Fields) {
		steps, err := parsePath(path)
		if err != nil {
			return nil, err
		}
		leaf, err := h.bind(r.Fields[path], used)
		if err != nil {
			return nil, err
		}
		if len(leaf) == 0 {
			leaf = []source{{}} // an optional column that the file does not have is empty in every row
		}
		if err := out.root.put(steps, leaf); err != nil {
			return nil, &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Element: path, Message: "mapping: " + err.Error()}
		}
	}
	return out, nil
}

// first is the first text that is not empty.
func first(sources []source, v *view) (string, *source) {
	for i := range sources {
		if text := sources[i].text(v); text != "" {
			return text, &sources[i]
		}
	}
	return "", nil
}

// entry makes the context fact of a row. A fact without effective time and version is told from one of the same content
// in an earlier import by that import: a list that returns to an earlier state says so anew.
func (r *resource) entry(m *mapper, format string, importID []byte) (ingest.Entry, error) {
	fact := &v1.ContextFact{Source: m.src.Name, ResourceType: r.typ, ImportId: importID}
	if fact.ResourceId, _ = first(r.id, &m.view); fact.ResourceId == "" {
		s := &r.id[0]
		return ingest.Entry{}, m.fault(s, ingest.ReasonMissingElement, "the resource has no id")
	}
	fact.VersionId, _ = first(r.version, &m.view)
	fact.Display, _ = first(r.display, &m.view)
	if text, s := first(r.deleted, &m.view); s != nil {
		is, err := parseBool(text)
		if err != nil {
			return ingest.Entry{}, m.fault(s, ingest.ReasonInvalidValue, "neither yes nor no")
		}
		fact.Deleted = is
	}
	if text, s := first(r.effective, &m.view); s != nil {
		at, err := m.clock.parse(text)
		if err != nil {
			return ingest.Entry{}, m.fault(s, ingest.ReasonInvalidValue, err.Error())
		}
		fact.EffectiveUs = at.us
	}
	r.identify(m, fact)
	body, err := r.write(m, fact)
	if err != nil {
		return ingest.Entry{}, err
	}
	fact.Resource = body
	content := proto.HashContent(body)
	var revision []byte
	if fact.EffectiveUs == 0 && fact.VersionId == "" {
		revision = importID
	}
	key := [][]byte{[]byte(format), []byte(fact.ResourceType), []byte(fact.ResourceId), content[:], []byte(fact.VersionId), revision}
	if fact.Deleted {
		key = append(key, []byte("deleted"))
	}
	identity := proto.EventIdentity{Source: m.src.Name, Observer: "context", Key: bytes.Join(key, []byte{0})}
	if fact.EffectiveUs != 0 {
		identity.Recorded = time.UnixMicro(fact.EffectiveUs)
	}
	id := proto.NewEventID(identity)
	fact.EventId = id.Bytes()
	return ingest.Entry{Item: &v1.Item{Body: &v1.Item_Context{Context: fact}}, ID: id, Content: content, Source: m.src.Name}, nil
}

// identify names the resource: the reference within the source, then every identifier of the row, which it links.
func (r *resource) identify(m *mapper, fact *v1.ContextFact) {
	fact.Identifiers = []*v1.Identifier{{System: m.src.LocalSystem(), Value: fact.ResourceType + "/" + fact.ResourceId}}
	for i := range r.identifiers {
		s := &r.identifiers[i]
		text := s.text(&m.view)
		if text == "" {
			continue
		}
		id := &v1.Identifier{System: m.expand(s.system), Value: text}
		fact.Identifiers = append(fact.Identifiers, id)
		fact.Links = append(fact.Links, &v1.IdentityLink{
			Kind: v1.IdentityLink_KIND_SAME_RESOURCE, From: fact.Identifiers[0], To: id,
		})
	}
}

// expand lets a mapping name the systems that the source registered.
func (m *mapper) expand(system string) string {
	switch system {
	case "patient":
		return m.system(&source{}, m.src.PatientSystem)
	case "reader":
		return m.system(&source{}, m.src.ReaderSystem)
	}
	return system
}

// write returns the resource as compact JSON: its type, its id, its identifiers, then what the mapping fills.
func (r *resource) write(m *mapper, fact *v1.ContextFact) ([]byte, error) {
	head := map[string]any{"resourceType": fact.ResourceType, "id": fact.ResourceId}
	var identifiers []map[string]string
	for _, id := range fact.Identifiers[1:] {
		identifiers = append(identifiers, map[string]string{"system": id.System, "value": id.Value})
	}
	if len(identifiers) > 0 {
		head["identifier"] = identifiers
	}
	out, err := json.Marshal(head)
	if err != nil {
		return nil, m.fault(&r.id[0], ingest.ReasonInvalidValue, "not text")
	}
	if len(r.root.keys) == 0 {
		return out, nil
	}
	mark := len(out)
	out, said, err := r.root.write(out, m)
	if err != nil {
		return nil, err
	}
	if said && len(out) > mark+2 {
		out[mark-1], out = ',', append(out[:mark], out[mark+1:]...)
	} else {
		out = out[:mark]
	}
	return out, nil
}
