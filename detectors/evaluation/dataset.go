package evaluation

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// Decode reads one file (FHIR resources, one a line; or delimited text that a preset fits) and hands over items in the order of
// the lines; dead letters too. path says what it is; free is what people typed, or nil. What emit gets is valid until it returns.
//
// ErrUnknownFile says that it is no such file: it is left out, and the report says so.
type Decode func(ctx context.Context, f File, zone *time.Location, emit func(item *v1.Item, free *v1.FreeText) error) error

// File is one file of a dataset directory.
type File struct {
	// Path says what it is.
	Path string
	// Mapping is the text of the mapping beside delimited text (vendors.yaml beside vendors.csv); nil: there is none.
	Mapping []byte
	Body    io.Reader
}

// mappingBeside reads the mapping of delimited text.
func mappingBeside(dir fs.FS, path string) []byte {
	plain := strings.TrimSuffix(path, ".gz")
	if ext := filepath.Ext(plain); ext != ".ndjson" && ext != ".jsonl" {
		if text, err := fs.ReadFile(dir, strings.TrimSuffix(plain, ext)+".yaml"); err == nil {
			return text
		}
	}
	return nil
}

// ErrUnknownFile says that nobody knows how to read a file: delimited text without a mapping, which no preset fits.
var ErrUnknownFile = errors.New("nobody knows how to read the file")

// files are what a dataset directory holds.
type files struct {
	context, events []string
	labels          string
}

// ErrNoEvents says that the directory holds no AuditEvent file, so there is nothing to judge.
var ErrNoEvents = errors.New("no AuditEvent.ndjson (or .ndjson.gz) in the directory")

// find lists a dataset directory, without what lies below it. FHIR bulk exports number files of one type:
// AuditEvent.ndjson, AuditEvent-1.ndjson, AuditEvent.000.ndjson, 1.AuditEvent.ndjson.
func find(dir fs.FS) (files, error) {
	var f files
	all, err := fs.ReadDir(dir, ".")
	if err != nil {
		return f, fmt.Errorf("read dataset: %w", err)
	}
	for _, e := range all {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path, plain := e.Name(), strings.TrimSuffix(e.Name(), ".gz")
		switch ext := filepath.Ext(plain); {
		case plain == "labels.csv":
			f.labels = path
		case ext == ".ndjson" || ext == ".jsonl":
			if slices.Contains(strings.FieldsFunc(plain, func(r rune) bool { return strings.ContainsRune(".-_ ", r) }), "AuditEvent") {
				f.events = append(f.events, path)
			} else {
				f.context = append(f.context, path)
			}
		case ext == ".csv" || ext == ".tsv" || ext == ".psv" || ext == ".txt":
			f.context = append(f.context, path)
		}
	}
	if len(f.events) == 0 {
		return f, ErrNoEvents
	}
	return f, nil
}

// open opens a file, unpacking gzip by its first bytes, behind a byte order mark. counted is told of each byte read from the file itself.
func open(dir fs.FS, path string, counted func(int)) (io.ReadCloser, error) {
	file, err := dir.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open dataset file: %w", err)
	}
	r := bufio.NewReaderSize(&counting{file, counted}, 1<<20)
	if head, _ := r.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(r)
		if err != nil {
			_ = file.Close()
			return nil, fmt.Errorf("unpack %s: %w", path, err)
		}
		r = bufio.NewReaderSize(unpacked, 64<<10)
	}
	if head, _ := r.Peek(len(byteOrderMark)); string(head) == byteOrderMark {
		_, _ = r.Discard(len(byteOrderMark))
	}
	return &opened{r, file}, nil
}

// byteOrderMark begins text that some systems write; it is no part of the first line.
const byteOrderMark = "\ufeff"

type opened struct {
	io.Reader
	file fs.File
}

func (o *opened) Close() error { return o.file.Close() } //nolint:wrapcheck // a reader's close

type counting struct {
	r       io.Reader
	counted func(int)
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.counted(n)
	return n, err //nolint:wrapcheck // the reader's own
}
