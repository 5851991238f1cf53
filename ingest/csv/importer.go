package csv

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"strconv"
	"strings"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/importer"
)

// ImporterConfig says which mappings files may name.
type ImporterConfig struct {
	// Mappings by name, beside the presets; one of a preset's name takes its place. Default none.
	Mappings map[string]*Mapping
}

// Importer decodes files for the import handler. It is safe for concurrent use.
type Importer struct{ cfg ImporterConfig }

var _ importer.Decoder = (*Importer)(nil)

// NewImporter returns an Importer that knows the presets and the mappings of cfg.
func NewImporter(cfg ImporterConfig) (*Importer, error) {
	for name, m := range cfg.Mappings {
		if m == nil {
			return nil, fmt.Errorf("csv: mapping %q is empty", name)
		}
	}
	return &Importer{cfg: cfg}, nil
}

// DecodeFile implements importer.Decoder: by the mapping that came with the file, or the one it names, or the preset
// that its header fits. An *ingest.DecodeError concerns the file as a whole.
func (im *Importer) DecodeFile(ctx context.Context, src ingest.Source, file importer.File, emit func([]ingest.Entry) error) error {
	body := bufio.NewReaderSize(file.Body, detectBytes)
	begin, err := body.Peek(detectBytes)
	if errors.Is(err, io.EOF) && len(begin) == 0 {
		return nil // an export of nothing
	}
	if err != nil && len(begin) == 0 {
		return fmt.Errorf("decode delimited text: %w", err)
	}
	m, err := im.Mapping(file.Mapping, file.MappingText, begin)
	if err != nil {
		return err
	}
	cfg := Config{Mapping: m, Source: src, Origin: file.Name, ImportID: file.ImportID}
	return Decode(ctx, cfg, body, func(b Batch) error { return emit(b.Entries) })
}

// Mapping finds the mapping for a file: its own text, else by name, else by the header that begins it. The error is an
// *ingest.DecodeError.
func (im *Importer) Mapping(name string, text, begin []byte) (*Mapping, error) {
	switch {
	case len(text) > 0:
		m, err := Parse(text)
		if err != nil {
			return nil, &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Element: "mapping", Message: err.Error()}
		}
		return m, nil
	case name != "":
		if m, ok := im.cfg.Mappings[name]; ok {
			return m, nil
		}
		m, err := Preset(name)
		if err != nil {
			return nil, &ingest.DecodeError{Reason: ingest.ReasonInvalidValue, Element: "mapping", Message: err.Error()}
		}
		return m, nil
	}
	if m, ok := Detect(begin); ok {
		return m, nil
	}
	return nil, &ingest.DecodeError{
		Reason: ingest.ReasonUnsupportedFormat, Line: 1, Column: 1,
		Message: "the header is that of no preset: name a mapping, or send one; presets are " + strings.Join(Presets(), ", "),
	}
}

// Retry decodes the original of a dead letter again, with the columns that its media type names. Rows of a file without
// other equal ones are assumed: the ordinal begins at 0. What fails again is an *ingest.DecodeError.
func (im *Importer) Retry(src ingest.Source, letterFormat, mediaType string, original, importID []byte) ([]ingest.Entry, error) {
	name, ok := strings.CutPrefix(letterFormat, "csv:")
	if !ok {
		return nil, &ingest.DecodeError{Reason: ingest.ReasonUnsupportedFormat, Message: "the dead letter is no delimited text"}
	}
	m, err := im.Mapping(name, nil, nil)
	if err != nil {
		return nil, err
	}
	_, parameters, err := mime.ParseMediaType(mediaType)
	columns, delimiter := parameters["columns"], parameters["delimiter"]
	if err != nil || columns == "" || delimiter == "" {
		return nil, &ingest.DecodeError{Reason: ingest.ReasonUnsupportedFormat, Message: "the dead letter does not name its columns: import its file again"}
	}
	code, err := strconv.ParseUint(delimiter, 10, 7)
	if err != nil {
		return nil, &ingest.DecodeError{Reason: ingest.ReasonUnsupportedFormat, Message: "the dead letter does not name its delimiter"}
	}
	again, no := *m, false
	again.File.Header, again.File.Columns = &no, strings.Split(columns, "\x1f")
	again.File.Delimiter = string(rune(code))
	var out []ingest.Entry
	cfg := Config{Mapping: &again, Source: src, ImportID: importID}
	err = Decode(context.Background(), cfg, bytes.NewReader(original), func(b Batch) error {
		out = append(out, b.Entries...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, e := range out {
		if letter := e.Item.GetDeadLetter(); letter != nil {
			return nil, &ingest.DecodeError{
				Reason: letter.Reason, Element: letter.Element, Message: letter.Message, Line: int(letter.Line), Column: int(letter.Column),
			}
		}
	}
	if len(out) == 0 {
		return nil, &ingest.DecodeError{Reason: ingest.ReasonRefused, Message: "the dead letter holds no row"}
	}
	return out, nil
}
