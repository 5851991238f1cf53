package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strings"
)

// Form is what a file is, told by its content.
type Form string

// The forms that are told apart.
const (
	FormEmpty     Form = "empty"
	FormLines     Form = "ndjson"
	FormJSON      Form = "json"
	FormHTTP      Form = "http"
	FormDelimited Form = "delimited"
	FormXML       Form = "xml"
	FormHL7v2     Form = "hl7v2"
	FormSyslog    Form = "syslog"
	FormUnknown   Form = "unknown"
)

// peekBytes is how much of a file its form is told from.
const peekBytes = 64 << 10

var byteOrderMark = []byte("\xef\xbb\xbf")

// DetectForm tells a file's form from its beginning, which may be all of it. Its name decides only between newline-
// delimited JSON and one document, where the beginning leaves that open.
func DetectForm(name string, peek []byte) Form {
	text := bytes.TrimPrefix(peek, byteOrderMark)
	text = bytes.TrimLeft(text, " \t\r\n\v\f")
	if len(text) == 0 {
		return FormEmpty
	}
	switch {
	case text[0] == '{' || text[0] == '[':
		return detectJSON(name, text)
	case isHTTP(text):
		return FormHTTP
	case text[0] == '<' && len(text) > 1 && text[1] >= '0' && text[1] <= '9', isOctetCounted(text):
		return FormSyslog
	case text[0] == '<':
		return FormXML
	case isHL7v2(text):
		return FormHL7v2
	case isDelimited(name, text):
		return FormDelimited
	}
	if isLinesName(name) {
		// A broken first line does not make the file something else.
		return FormLines
	}
	return FormUnknown
}

func isLinesName(name string) bool {
	switch path.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")) {
	case ".ndjson", ".jsonl":
		return true
	}
	return false
}

// detectJSON tells lines of JSON from one document that spans lines, or several in a row: lines, if the first is complete,
// another follows, and none begins a value that goes on over its end for as far as can be seen. A first line that is
// broken says nothing: the next could stand inside of what it began, and would become events that nobody sent. Such a file
// is a document, unless its name says that each line stands for itself.
func detectJSON(name string, text []byte) Form {
	if isLinesName(name) {
		return FormLines
	}
	first, rest, found := bytes.Cut(text, newline)
	if first = bytes.TrimSpace(first); !found || len(first) < 2 || !json.Valid(first) || len(bytes.TrimSpace(rest)) == 0 {
		return FormJSON
	}
	for tries := 0; tries < maxOpenLines; {
		line, more, found := bytes.Cut(rest, newline)
		if !found {
			break // the last line may go on behind what can be seen
		}
		if leavesOpen(line) {
			var value json.RawMessage
			if err := json.NewDecoder(bytes.NewReader(rest)).Decode(&value); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
				return FormJSON
			}
			tries++ // it is only broken
		}
		rest = more
	}
	return FormLines
}

// maxOpenLines bounds how often it is looked whether a line is the beginning of more: each look may take all that can be
// seen.
const maxOpenLines = 32

var newline = []byte{'\n'}

// leavesOpen reports whether a value begins on a line and does not end there. A string does not reach over a line's end.
func leavesOpen(line []byte) bool {
	var value json.RawMessage
	err := json.NewDecoder(io.MultiReader(bytes.NewReader(line), bytes.NewReader(newline))).Decode(&value)
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// isHTTP tells a captured response or request by its first line.
func isHTTP(text []byte) bool {
	line, _, found := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimSpace(line)
	if bytes.HasPrefix(line, []byte("HTTP/")) {
		return true
	}
	return found && len(line) < 8<<10 && (bytes.HasSuffix(line, []byte(" HTTP/1.1")) || bytes.HasSuffix(line, []byte(" HTTP/1.0")))
}

// isOctetCounted tells RFC 6587 frames: a length, a blank, and a priority.
func isOctetCounted(text []byte) bool {
	n := 0
	for n < len(text) && n < 8 && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n > 0 && bytes.HasPrefix(text[n:], []byte(" <"))
}

func isHL7v2(text []byte) bool {
	for _, segment := range []string{"MSH|", "FHS|", "BHS|", "MSH^", "\x0bMSH"} {
		if bytes.HasPrefix(text, []byte(segment)) {
			return true
		}
	}
	return false
}

// isDelimited tells text in columns: the first lines hold the same number of commas, semicolons, tabs or pipes.
func isDelimited(name string, text []byte) bool {
	if bytes.IndexByte(text, 0) >= 0 {
		return false
	}
	switch path.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")) {
	case ".csv", ".tsv", ".tab", ".psv":
		return true
	}
	lines := bytes.SplitN(text, []byte{'\n'}, 4)
	if len(lines) < 2 {
		return false
	}
	for _, delimiter := range []byte{',', '\t', '|', ';'} {
		header := bytes.Count(lines[0], []byte{delimiter})
		if header >= 2 && bytes.Count(lines[1], []byte{delimiter}) >= header {
			return true
		}
	}
	return false
}
