package embedded

import "strings"

// statement is what the handler has to know about a query before the engine sees it. It is found by a lexer, not a
// parser: comments, strings and quoted names are skipped, the engine judges the rest.
type statement struct {
	// keyword and second are the first two words in upper case ("INSERT", "INTO").
	keyword, second string
	// format is the name after the last FORMAT clause, "" when there is none.
	format string
	// formatAt is where the word FORMAT of an INSERT begins.
	formatAt int
	// inline says that an INSERT carries its rows itself (VALUES, or text after FORMAT).
	inline bool
	// file says that the statement names a file of the client, which over HTTP would be a file of the engine.
	file bool
	// several says that more follows after a semicolon.
	several bool
}

// readOnly are the words a statement without side effects begins with.
func (s statement) readOnly() bool {
	switch s.keyword {
	case "SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK", "(":
		return true
	}
	return false
}

// streamable says that the engine can deliver the result piece by piece. WITH may also begin an INSERT, which the
// engine refuses to stream before it runs anything.
func (s statement) streamable() bool {
	return s.keyword == "SELECT" || s.keyword == "WITH" || s.keyword == "("
}

// sessionOnly are statements that change nothing but the session, which over HTTP ends with the request.
func (s statement) sessionOnly() bool { return s.keyword == "SET" || s.keyword == "USE" }

// scanStatement reads the words of a query.
func scanStatement(query string) statement {
	var (
		st    statement
		depth int
		words []string // at depth 0, upper case
		last  int      // index in words of the last FORMAT
		names []string // the words as written
		ended bool
	)
	last = -1
	for pos := 0; pos < len(query); {
		kind, end := nextToken(query, pos)
		text, at := query[pos:end], pos
		pos = end
		if kind == tokenSpace {
			continue
		}
		if ended {
			st.several = true
			break
		}
		switch {
		case kind == tokenMark && text == ";":
			ended = true
			continue
		case kind == tokenMark && strings.ContainsAny(text, "([{"):
			if len(words) == 0 {
				st.keyword = "("
			}
			depth++
			continue
		case kind == tokenMark && strings.ContainsAny(text, ")]}"):
			depth--
			continue
		}
		if depth > 0 {
			continue
		}
		word := ""
		if kind == tokenWord {
			word = strings.ToUpper(text)
		}
		words, names = append(words, word), append(names, text)
		n := len(words)
		if n > 1 && ((words[n-2] == "INTO" && word == "OUTFILE") || (words[n-2] == "FROM" && word == "INFILE")) {
			st.file = true
		}
		if word == "FORMAT" {
			last, st.formatAt = n-1, at
		}
		if words[0] != "INSERT" {
			continue
		}
		if word == "VALUES" && n > 2 {
			st.inline = true
			break
		}
		if n > 3 && words[n-2] == "FORMAT" && word != "" {
			st.format = text
			st.inline = strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(query[pos:]), ";")) != ""
			break
		}
	}
	if len(words) > 0 && st.keyword == "" {
		st.keyword = words[0]
	}
	if len(words) > 1 {
		st.second = words[1]
	}
	if st.format == "" && last >= 0 && last+1 < len(words) && words[last+1] != "" &&
		(last+2 == len(words) || words[last+2] == "SETTINGS") {
		st.format = names[last+1]
	}
	return st
}

type tokenKind int

const (
	tokenSpace tokenKind = iota // white space and comments
	tokenWord
	tokenQuoted // strings, quoted names, heredocs
	tokenMark   // one byte of anything else
)

// nextToken returns the kind and the end of the token at pos. It always advances.
func nextToken(q string, pos int) (tokenKind, int) {
	c := q[pos]
	rest := q[pos:]
	switch {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
		return tokenSpace, pos + 1
	case strings.HasPrefix(rest, "--") || strings.HasPrefix(rest, "# ") || strings.HasPrefix(rest, "#!"):
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			return tokenSpace, pos + i + 1
		}
		return tokenSpace, len(q)
	case strings.HasPrefix(rest, "/*"):
		if i := strings.Index(rest[2:], "*/"); i >= 0 {
			return tokenSpace, pos + 2 + i + 2
		}
		return tokenSpace, len(q)
	case c == '\'' || c == '"' || c == '`':
		return tokenQuoted, quotedEnd(q, pos)
	case c == '$':
		if end, ok := heredocEnd(q, pos); ok {
			return tokenQuoted, end
		}
		return tokenMark, pos + 1
	case wordByte(c):
		end := pos + 1
		for end < len(q) && wordByte(q[end]) {
			end++
		}
		return tokenWord, end
	}
	return tokenMark, pos + 1
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// quotedEnd finds the end of a quoted token: a backslash protects the next byte; a doubled quote is two tokens that
// touch, which is all the same here.
func quotedEnd(q string, pos int) int {
	for i := pos + 1; i < len(q); i++ {
		switch q[i] {
		case '\\':
			i++
		case q[pos]:
			return i + 1
		}
	}
	return len(q)
}

// heredocEnd finds the end of $tag$ ... $tag$.
func heredocEnd(q string, pos int) (int, bool) {
	end := pos + 1
	for end < len(q) && wordByte(q[end]) {
		end++
	}
	if end >= len(q) || q[end] != '$' {
		return 0, false
	}
	tag := q[pos : end+1]
	i := strings.Index(q[end+1:], tag)
	if i < 0 {
		return 0, false
	}
	return end + 1 + i + len(tag), true
}

// quoteString writes v as a ClickHouse string literal.
func quoteString(v string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
}

// quoteName writes v as a ClickHouse identifier.
func quoteName(v string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(v) + "`"
}
