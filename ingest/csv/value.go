package csv

import (
	"fmt"
	"strings"

	"github.com/readtrail/readtrail/ingest"
)

// header is the columns of the file at hand.
type header struct {
	names []string
	// index finds a column by its name, without regard to case and surrounding space.
	index map[string]int
}

func newHeader(names []string) (*header, error) {
	if n := len(names); n > 1 && names[n-1] == "" {
		names = names[:n-1]
	}
	h := &header{names: names, index: map[string]int{}}
	for i, name := range names {
		key := fold(name)
		if key == "" {
			return nil, &ingest.DecodeError{Reason: ingest.ReasonMissingElement, Message: fmt.Sprintf("column %d of the header has no name", i+1)}
		}
		if _, twice := h.index[key]; twice {
			return nil, &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Message: fmt.Sprintf("column %d of the header has the name of an earlier one", i+1)}
		}
		h.index[key] = i
	}
	return h, nil
}

// fold is a column's name as it is compared.
func fold(name string) string { return strings.ToUpper(strings.TrimSpace(name)) }

// source is a Value bound to the columns of a file.
type source struct {
	columns  []int
	join     string
	constant string
	isConst  bool
	prefix   string
	words    *words
	system   string
	required bool
	as       string
	// name is the first column's name, for errors.
	name string
}

// bind finds the columns of values. A column that is absent is an error unless it is optional.
func (h *header) bind(values Values, used map[int]bool) ([]source, error) {
	var out []source
	for _, v := range values {
		s := source{prefix: v.Prefix, words: newWords(v.Values), system: v.System, required: v.Required, as: v.As, join: " "}
		if v.Join != nil {
			s.join = *v.Join
		}
		if v.Const != nil {
			s.constant, s.isConst = *v.Const, true
			out = append(out, s)
			continue
		}
		names := v.Columns
		if v.Column != "" {
			names = []string{v.Column}
		}
		for _, name := range names {
			i, ok := h.index[fold(name)]
			if !ok {
				if v.Optional {
					continue
				}
				return nil, &ingest.DecodeError{
					Reason: ingest.ReasonMissingElement, Element: name, Message: "the mapping names a column that the file does not have",
				}
			}
			s.columns = append(s.columns, i)
			used[i] = true
		}
		if len(s.columns) > 0 {
			s.name = h.names[s.columns[0]]
			out = append(out, s)
		}
	}
	return out, nil
}

// raw is what the columns say, before the value map.
func (s *source) raw(v *view) string {
	if s.isConst {
		return s.constant
	}
	if len(s.columns) == 1 {
		return v.get(s.columns[0])
	}
	var parts []string
	for _, i := range s.columns {
		if text := v.get(i); text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, s.join)
}

// text is what the field takes; raw text that the value map does not know stays as it is.
func (s *source) text(v *view) string {
	text := s.raw(v)
	if s.words != nil {
		if to, ok := s.words.of(text); ok {
			text = to
		}
	}
	if text != "" && s.prefix != "" {
		text = s.prefix + text
	}
	return text
}

// column is where the source's first column stands in the row, for errors; -1 for a constant.
func (s *source) column() int {
	if len(s.columns) == 0 {
		return -1
	}
	return s.columns[0]
}
