package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/readtrail/readtrail/dashboards/words"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pageTemplate is the layout with one page's own parts.
type pageTemplate struct{ *template.Template }

// Files that every page is parsed with.
const (
	layoutFile = "templates/layout.html"
	partsFile  = "templates/parts.html"
)

// loadTemplates parses each page; a page is a file that defines "title" and "main", and the parts that scripts ask for.
func loadTemplates(assets map[string]*asset) (map[string]*pageTemplate, error) {
	names, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("load templates: %w", err)
	}
	funcs := template.FuncMap{
		"asset": func(name string) (string, error) {
			if a, ok := assets[name]; ok {
				return a.path, nil
			}
			return "", fmt.Errorf("no asset %s", name)
		},
		"count": func(n any, one, many string) (string, error) {
			switch n := n.(type) {
			case uint64:
				return count(n, one, many), nil
			case int: // of the template's own len
				return count(uint64(n), one, many), nil
			}
			return "", fmt.Errorf("count of %T", n)
		},
		"number": number,
	}
	pages := map[string]*pageTemplate{}
	for _, n := range names {
		file := "templates/" + n.Name()
		if file == layoutFile || file == partsFile {
			continue
		}
		t, err := template.New("layout").Funcs(funcs).ParseFS(templateFiles, layoutFile, partsFile, file)
		if err != nil {
			return nil, fmt.Errorf("load templates: %w", err)
		}
		pages[strings.TrimSuffix(n.Name(), path.Ext(n.Name()))] = &pageTemplate{t}
	}
	return pages, nil
}

// shell is what the layout shows around a page.
type shell struct {
	// Page is the name of the template, to mark the menu.
	Page string
	// Asker, Role and MayAsk are the session's; without a session there is no menu.
	Asker, Role string
	MayAsk      bool
	// MayLook is false for respondents: one page is theirs.
	MayLook bool
	// Glass is until when the session's broken glass lets see; nil: it is whole.
	Glass *moment
	Menu  []menuItem
	Zone  string
	// Body is what the page's own template shows.
	Body any
}

// menuItem is a line of the menu. Key follows g on the keyboard.
type menuItem struct {
	Path, Name, Key string
	Pages           []string
	needsAsk        bool
	// forAnyone is a page of respondents too.
	forAnyone bool
}

// menu lists the pages that begin something. Pages names the templates that belong to a line.
var menu = []menuItem{
	{Path: "/", Name: "Ask", Key: "h", Pages: []string{"home", "find", "purpose", "record", "reader", "profile", "event", "views"}, needsAsk: true},
	{Path: "/alerts", Name: "Alerts", Key: "q", Pages: []string{"alerts", "alert"}},
	{Path: "/cases", Name: "Cases", Key: "c", Pages: []string{"cases", "case"}},
	{Path: "/scope", Name: "Scope", Key: "b", Pages: []string{"scope", "scopeform", "frozen", "frozenlist", "compare", "report", "reportform"}, needsAsk: true},
	{Path: "/accesses", Name: "Search", Key: "a", Pages: []string{"accesses"}, needsAsk: true},
	{Path: "/questions", Name: "Questions", Key: "w", Pages: []string{"questions"}, forAnyone: true},
	{Path: "/sources", Name: "Sources", Key: "s", Pages: []string{"sources"}},
	{Path: "/dead-letters", Name: "Dead letters", Key: "d", Pages: []string{"deadletters", "deadletter"}},
	{Path: "/status", Name: "Status", Key: "t", Pages: []string{"status"}},
}

// Here reports whether a page belongs to this line.
func (m menuItem) Here(page string) bool { return slices.Contains(m.Pages, page) }

// render answers with a whole page.
func (v *visit) render(status int, name string, body any) error {
	s := shell{Page: name, Zone: v.c.cfg.TimeZone.String(), Body: body}
	if v.session != nil {
		s.Asker, s.Role, s.MayAsk = v.session.caller.Name, words.Code(v.session.caller.Role), v.mayAsk()
		s.MayLook = signedIn(v.session.caller)
		if g := v.session.glass(v.now); g.id != "" {
			s.Glass = clock{zone: v.c.cfg.TimeZone}.at(g.until.UnixMicro())
		}
		for _, m := range menu {
			if (!m.needsAsk || s.MayAsk) && (m.forAnyone || s.MayLook) {
				s.Menu = append(s.Menu, m)
			}
		}
	}
	return v.execute(status, name, "layout", s)
}

// renderPart answers with a part of a page, for a script that puts it in its place.
func (v *visit) renderPart(status int, name, part string, body any) error {
	return v.execute(status, name, part, body)
}

// execute writes nothing before the template has run: half a page would look like a whole answer.
func (v *visit) execute(status int, name, part string, data any) error {
	t, ok := v.c.templates[name]
	if !ok {
		return fmt.Errorf("render %s: no such template", name)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, part, data); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}
	v.status = status
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.Header().Add("Vary", "HX-Request")
	v.w.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(allVisible(out.Bytes())) // the browser may be gone
	}
	return nil
}

// allVisible is a page with every character shown by visible. Most pages have none that is not, and are as they were: a scope to print is
// megabytes.
func allVisible(page []byte) []byte {
	for i := 0; i < len(page); {
		if c := page[i]; c >= ' ' && c < unicode.MaxASCII || c == '\n' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(page[i:])
		if r == utf8.RuneError && size <= 1 || visible(r) != r {
			return bytes.Map(visible, page)
		}
		i += size
	}
	return page
}

// visible shows control and format characters as what they are: a name that a source sent cannot turn the direction of
// the text around it, nor look like another name by characters that are not seen.
func visible(r rune) rune {
	switch {
	case r == '\n' || r == '\t' || r == '\r':
		return r
	case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
		return unicode.ReplacementChar
	}
	return r
}
