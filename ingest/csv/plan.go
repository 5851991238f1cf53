package csv

import (
	"mime"
	"slices"
	"strconv"
	"strings"

	"github.com/readtrail/readtrail/ingest"
)

// plan is a mapping bound to the columns of a file.
type plan struct {
	header    *header
	fields    []field
	resources []*resource
	content   content
	native    []int
	extra     []int
	mediaType string
	// btg: whether break-glass is said by a column of its own.
	btg bool
}

type field struct {
	name    string
	set     setter
	all     bool
	sources []source
}

// bind ties the mapping to the columns of the file.
func (d *decoder) bind(names []string) error {
	h, err := newHeader(names)
	if err != nil {
		return err
	}
	p := &plan{header: h}
	used := map[int]bool{}
	for _, name := range sortedKeys(d.mapping.Event) {
		sources, err := h.bind(d.mapping.Event[name], used)
		if err != nil {
			return err
		}
		if len(sources) > 0 {
			p.fields = append(p.fields, field{name: name, set: eventFields[name].set, all: eventFields[name].all, sources: sources})
			p.btg = p.btg || name == "break_glass"
		}
	}
	for _, r := range d.mapping.Resources {
		bound, err := h.bindResource(r, used)
		if err != nil {
			return err
		}
		p.resources = append(p.resources, bound)
	}
	dropped := map[int]bool{}
	for _, name := range d.mapping.Drop {
		if i, ok := h.index[fold(name)]; ok {
			dropped[i] = true
		}
	}
	for _, name := range d.mapping.Identity.Columns {
		i, ok := h.index[fold(name)]
		if !ok {
			return &ingest.DecodeError{
				Reason: ingest.ReasonMissingElement, Element: name, Message: "the mapping names a column that the file does not have",
			}
		}
		p.native = append(p.native, i)
	}
	for _, name := range sortedKeys(h.index) {
		i := h.index[name]
		kept := used[i] || slices.Contains(p.native, i) || (d.mapping.Unmapped == "keep" && !dropped[i])
		if kept && !dropped[i] {
			p.content.columns, p.content.names = append(p.content.columns, i), append(p.content.names, name)
		}
	}
	for i := range h.names {
		if !used[i] && !dropped[i] && d.mapping.Unmapped == "keep" {
			p.extra = append(p.extra, i)
		}
	}
	p.mediaType = mediaType(d.scan.delimiter, d.mapping.File.Encoding, h.names)
	d.plan, d.scan.columns = p, len(h.names)
	return nil
}

// mediaType says how to read an original on its own: RFC 4180 and RFC 7111 have text/csv, its delimiter and columns
// are parameters of ours.
func mediaType(delimiter byte, encoding string, names []string) string {
	parameters := map[string]string{"charset": encoding, "delimiter": strconv.Itoa(int(delimiter)), "columns": strings.Join(names, "\x1f")}
	if text := mime.FormatMediaType("text/csv", parameters); len(text) <= maxMediaType && text != "" {
		return text
	}
	delete(parameters, "columns")
	return mime.FormatMediaType("text/csv", parameters)
}
