package csv

import (
	"bytes"

	"github.com/readtrail/readtrail/ingest"
)

// quoted cuts a row that has quotes in it; its first line is n bytes long. Quotes mean something only at the beginning
// of a field (RFC 4180); elsewhere they are text. What goes wrong costs the first line and no more: a quote that is not
// closed must not swallow the file behind it.
func (s *scanner) quoted(n int) row {
	first := n
	lines, at := 1, 0
	for {
		data := s.pending()[:n]
		if at >= n || data[at] != s.quote {
			end := s.unquotedEnd(data, at)
			s.fields = append(s.fields, span{start: at, end: end})
			if end < n && data[end] == s.delimiter && len(s.fields) <= MaxColumns {
				at = end + 1
				continue
			}
			return s.finish(first, n)
		}
		field, next, fault := s.quotedField(&n, &lines, at)
		if fault != nil {
			fault.Line, fault.Column = locate(s.pending()[:n], at)
			return s.take(row{err: fault}, first)
		}
		s.fields = append(s.fields, field)
		data = s.pending()[:n]
		if next < n && data[next] == s.delimiter && len(s.fields) <= MaxColumns {
			at = next + 1
			continue
		}
		if len(trimEnd(data[next:])) > 0 {
			err := &ingest.DecodeError{Reason: ReasonBadQuote, Message: "text stands between the closing quote and the next delimiter"}
			err.Line, err.Column = locate(data, next)
			if err.Line > 1 {
				err = &ingest.DecodeError{Reason: ReasonUnterminatedQuote, Message: "the quoted field is not closed on its line, nor properly later"}
				err.Line, err.Column = locate(data, at)
			}
			return s.take(row{err: err}, first)
		}
		return s.finish(first, n)
	}
}

// finish hands out a row whose fields are all there. One that spans lines and has the wrong number of columns was most
// likely never meant to: only its first line is the fault.
func (s *scanner) finish(first, n int) row {
	data := s.pending()[:n]
	err := s.checkCount(data)
	if err != nil && n > first {
		return s.take(row{err: &ingest.DecodeError{
			Reason: ReasonUnterminatedQuote, Message: "a quoted field is not closed on its line, and the rows do not fit together",
			Line: 1, Column: 1,
		}}, first)
	}
	return s.take(row{fields: s.fields, err: err}, n)
}

// unquotedEnd is where the unquoted field at at ends: its delimiter or the end of its line.
func (s *scanner) unquotedEnd(data []byte, at int) int {
	content := trimEnd(data)
	if at > len(content) {
		return at
	}
	if i := bytes.IndexByte(content[at:], s.delimiter); i >= 0 {
		return at + i
	}
	return len(content)
}

// quotedField reads the field whose opening quote is at at. It may take more lines, which grows n. next is behind the
// closing quote.
func (s *scanner) quotedField(n, lines *int, at int) (field span, next int, fault *ingest.DecodeError) {
	field = span{start: at + 1}
	for i := at + 1; ; {
		data := s.pending()[:*n]
		q := bytes.IndexByte(data[i:], s.quote)
		if q >= 0 {
			i += q
			if i+1 < *n && data[i+1] == s.quote {
				field.doubled = true
				i += 2
				continue
			}
			field.end = i
			return field, i + 1, nil
		}
		i = *n
		end, whole := s.lineEnd(*n)
		if *lines++; !whole || end == *n || *lines > s.quotedLines {
			return field, 0, &ingest.DecodeError{Reason: ReasonUnterminatedQuote, Message: "a quoted field is not closed"}
		}
		*n = end
	}
}
