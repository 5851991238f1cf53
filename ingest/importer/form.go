package importer

import (
	"bytes"
	"encoding/json"
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

// detectJSON tells lines of JSON from one document that spans lines: lines, if the first is complete and another
// follows. A first line that is broken says nothing: the next could stand inside of what it began, and would become
// events that nobody sent. Such a file is one document, unless its name says that each line stands for itself.
func detectJSON(name string, text []byte) Form {
	if isLinesName(name) {
		return FormLines
	}
	first, rest, found := bytes.Cut(text, []byte{'\n'})
	if !found {
		return FormJSON
	}
	first = bytes.TrimSpace(first)
	rest = bytes.TrimLeft(rest, "\r\n")
	if len(rest) == 0 || len(first) < 2 {
		return FormJSON
	}
	if json.Valid(first) {
		return FormLines
	}
	return FormJSON
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
