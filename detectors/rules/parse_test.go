package rules_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/readtrail/readtrail/detectors"
	"github.com/readtrail/readtrail/detectors/rules"
)

var update = flag.Bool("update", false, "write what came out into testdata")

// rule is a valid one; a test changes a part of it.
const rule = `rules:
- name: NightLook
  about: Somebody looked at night.
  normal: A duty at night would have made it normal.
  key: pair
  when: access.look && access.hour < 6
  grades: [{at_least: 1, word: at night}]
`

func with(old, changed string) string {
	if !strings.Contains(rule, old) {
		panic("the rule does not hold " + old)
	}
	return strings.Replace(rule, old, changed, 1)
}

// cond is the rule with another condition, which begins on line 7.
func cond(when string) string { return with("access.look && access.hour < 6", "|\n    "+when) }

// counters is the rule with counters, which begin on line 6, and a condition.
func counters(text, when string) string {
	return with("when: access.look && access.hour < 6", "counters: "+text+"\n  when: "+strings.ReplaceAll("|\n"+when, "\n", "\n    "))
}

// Every fault is told, with its line, its rule and its field.
func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, file, want string }{
		{"nothing", "", "the file is empty; want rules"},
		{"not YAML", "rules: [", "read YAML: yaml: line 1: did not find expected node content"},
		{"two documents", rule + "---\nrules: []\n", "line 8: a second document; want one"},
		{"not a mapping", "- a", "line 1: want keys: rules"},
		{"no rules", "rules: []", "line 1: rules: want a list of 1 to 64 rules"},
		{"nothing named rules", "{}", "line 1: rules: missing"},
		{"unknown key of the file", "detectors: []", `line 1: "detectors" is no key here; want rules`},
		{
			"unknown key of a rule", rule + "  wen: a\n",
			`line 8: NightLook: "wen" is no key here; want name, about, normal, key, counters, when, count, grades, usual, hard, share, misuse`,
		},
		{"a key twice", rule + "  key: pair\n", "line 8: NightLook: key: stands there twice"},
		{"an anchor", with("key: pair", "key: &a pair"), "line 5: NightLook: key: anchors and aliases are not read"},
		{"a rule that is a text", "rules: [a]", "line 1: rule 1: want keys: name, about, normal, key, counters, when, count, grades, usual, hard, share, misuse"},
		{"built-in name", with("NightLook", "AfterHours"), "line 2: AfterHours: name: AfterHours is a built-in detector; want another name"},
		{
			"name of another shape", with("NightLook", "night look"),
			`line 2: night look: name: "night look" is not a name; want one like NightLook: letters and digits, the first a capital and not all of them, at most 40`,
		},
		{"a name twice", rule + strings.TrimPrefix(rule, "rules:\n"), "NightLook stands there twice; want different names"},
		{
			"about that is no sentence", with("Somebody looked at night.", "somebody looked at night"),
			"line 3: NightLook: about: want a sentence of at most 300 characters that begins with a capital and ends with a full stop",
		},
		{"no such key", with("key: pair", "key: patient"), `line 5: NightLook: key: "patient" is none of pair, reader, record`},
		{"an empty key", with("key: pair", `key: ""`), `line 5: NightLook: key: "" is none of pair, reader, record`},
		{"an empty stretch", rule + "  count: {over: ''}\n", `line 8: NightLook: count.over: "" is not a duration; want one like 15m or 2h, or day`},
		{"no value", with("key: pair", "key:"), "line 5: NightLook: key: want a text"},
		{"an alias", "rules: &all\n- *all\n", "line 1: rules: anchors and aliases are not read"},
		{"a list as key", with("key: pair", "key: [pair]"), "line 5: NightLook: key: want a text"},
		{"no condition", with("when: access.look && access.hour < 6", `when: ""`), "line 6: NightLook: when: want an expression that says which accesses count"},
		{"a field that does not exist", cond("access.prnt"), "line 6: NightLook: when: line 1, column 7: undefined field 'prnt'"},
		{"a variable that does not exist", cond("acces.look"), "line 6: NightLook: when: line 1, column 1: undeclared reference to 'acces'"},
		{"several faults in a condition", cond("access.prnt ||\n    access.xport"), "line 6: NightLook: when: line 1, column 7: undefined field 'prnt'\n" +
			"line 6: NightLook: when: line 2, column 7: undefined field 'xport'"},
		{"a comparison of different kinds", cond(`access.hour == "6"`), "line 6: NightLook: when: line 1, column 13: found no matching overload for '_==_' applied to '(int, string)'"},
		{"a condition that is a number", cond("access.hour"), "line 6: NightLook: when: it is of type int; want one that is true or false"},
		{"a word that an action never is", cond(`access.action == "prnt"`), `line 6: NightLook: when: line 1, column 18: action is never "prnt"; it is one of unspecified, read, search, ` +
			"print, export, create, update, delete, execute, disclose, login, logout, other"},
		{"a word that is never in a list", cond(`"researsch" in access.purposes`), `line 6: NightLook: when: line 1, column 1: purposes is never "researsch"; it is one of emergency, payment, operations, research`},
		{"a clock", cond("access.occurred < now()"), "line 6: NightLook: when: line 1, column 22: undeclared reference to 'now'"},
		{"a clock of another zone", cond("access.occurred.getHours() < 6"), "line 6: NightLook: when: line 1, column 25: undeclared reference to 'getHours'"},
		{"no types at all", cond("dyn(access.hour) == 6"), "line 6: NightLook: when: line 1, column 4: undeclared reference to 'dyn'"},
		{"a macro that is left out", cond("size(reasons.map(r, r)) > 1"), "line 6: NightLook: when: line 1, column 17: undeclared reference to 'map'\n" +
			"line 6: NightLook: when: line 1, column 18: undeclared reference to 'r'\nline 6: NightLook: when: line 1, column 21: undeclared reference to 'r'"},
		{"a pattern that is no pattern", cond(`access.site.matches("(")`), "line 6: NightLook: when: line 1, column 21: invalid matches argument"},
		{"a pattern that is not written down", cond("access.site.matches(access.network)"), "line 6: NightLook: when: line 1, column 27: want a pattern that is written down: it is compiled once"},
		{"loops within loops", cond("reasons.exists(a, reasons.exists(b, reasons.exists(c, a == b && b == c)))"), "line 6: NightLook: when: line 1, column 51: comprehension exceeds nesting limit"},
		{"a cost that is too high", cond(`reasons.exists(a, reasons.exists(b, a + b == "x" || b + a == "y"))`), "line 6: NightLook: when: it could cost 10508 for one access; want at most 1000: fewer loops, shorter patterns"},
		{"what cannot be counted", rule + "  count: {of: records}\n", "line 8: NightLook: count.of: records cannot be counted per pair; want accesses"},
		{"counting what there is not", rule + "  count: {of: patients}\n", `line 8: NightLook: count.of: "patients" is none of accesses, records, readers`},
		{"a stretch that is none", rule + "  count: {over: ten}\n", `line 8: NightLook: count.over: "ten" is not a duration; want one like 15m or 2h, or day`},
		{"a stretch below nothing", rule + "  count: {over: -1h}\n", `line 8: NightLook: count.over: "-1h" is not a duration; want one like 15m or 2h, or day`},
		{"a stretch of days", rule + "  count: {over: 72h}\n", "line 8: NightLook: count.over: want a duration of at most 24h: units are local days"},
		{"no grades", with("[{at_least: 1, word: at night}]", "[]"), "line 7: NightLook: grades: 0 grades; want 1 to 7"},
		{"grades that fall", with("[{at_least: 1, word: at night}]", "[{at_least: 3, word: a}, {at_least: 2, word: b}]"), "line 7: NightLook: grades: at_least 2; want numbers from 1 on, each larger than the one before"},
		{"a grade without a word", with("[{at_least: 1, word: at night}]", "[{at_least: 1}]"), `line 7: NightLook: grades: word ""; want a few words on one line`},
		{"a grade that is a text", with("at_least: 1", "at_least: one"), "line 7: NightLook: grades.at_least: want a whole number"},
		{"more misuse than there is", rule + "  misuse: [1001]\n", "line 8: NightLook: misuse: 1001 per mille in all; want 1 to 1,000: the rest is misuse of this kind that goes unnoticed"},
		{"misuse of another number", rule + "  misuse: [1, 2]\n", "line 8: NightLook: misuse: want a list of 1 numbers, one for each grade"},
		{"a share above all", rule + "  share: 700\n", "line 8: NightLook: share: 700 per mille of all misuse; want 1 to 500"},
		{"hard that is a word", rule + "  hard: very\n", "line 8: NightLook: hard: want true or false"},
		{"compared with whom", rule + "  usual: some\n", `line 8: NightLook: usual: "some" is none of peers, all`},
		{"compared where it never fires", cond("!explained") + "  usual: all\n", "line 9: NightLook: usual: all compares with accesses that a document explains, and this rule asks for the reason: want peers"},
		{"peers of a record", with("key: pair", "key: record") + "  usual: peers\n", "line 8: NightLook: usual: a record has no peers: it is compared with all records; leave it out"},
		{"no counters", counters("{}", "true"), "line 6: NightLook: counters: want 1 to 4 counters by their names, like opened: {of: accesses, per: reader, over: 15m}"},
		{
			"too many counters", counters("{a: {per: pair}, b: {per: pair}, c: {per: pair}, d: {per: pair}, e: {per: pair}}", "counters.a > 1"),
			"line 6: NightLook: counters: want 1 to 4 counters by their names, like opened: {of: accesses, per: reader, over: 15m}",
		},
		{"a counter that is a text", counters("{a: b}", "counters.a > 1"), "line 6: NightLook: counters.a: want keys: of, per, over, when"},
		{"an unknown key of a counter", counters("{a: {per: pair, wen: b}}", "counters.a > 1"), `line 6: NightLook: counters.a: "wen" is no key here; want of, per, over, when`},
		{
			"a name that is none", counters("{Opened: {per: pair}}", "counters.Opened > 1"),
			`line 6: NightLook: counters.Opened: "Opened" is not a name of a counter; want one like opened_at_night: small letters, digits and underscores, at most 30`,
		},
		{"a name that is a list", counters("{[a]: {per: pair}}", "access.look"), "line 6: NightLook: counters: want names of counters"},
		{"a counter twice", counters("\n    a: {per: pair}\n    a: {per: pair}", "counters.a > 1"), "line 8: NightLook: counters.a: stands there twice"},
		{"a counter by an anchor", counters("{a: &x {per: pair}}", "counters.a > 1"), "line 6: NightLook: counters.a: anchors and aliases are not read"},
		{"whose accesses", counters("{a: {of: accesses}}", "counters.a > 1"), "line 6: NightLook: counters.a.per: missing"},
		{"whose accesses there are not", counters("{a: {per: site}}", "counters.a > 1"), `line 6: NightLook: counters.a.per: "site" is none of pair, reader, record`},
		{
			"a counter of what there is one of", counters("\n    a:\n      per: reader\n      of: readers", "counters.a > 1"),
			"line 9: NightLook: counters.a.of: readers cannot be counted per reader; want accesses or records",
		},
		{
			"a counter over days", counters("{a: {per: pair, over: 72h}}", "counters.a > 1"),
			"line 6: NightLook: counters.a.over: want a duration of at most 24h: counters begin anew with each local day",
		},
		{
			"a counter over days by their name", counters("{a: {per: pair, over: 7d}}", "counters.a > 1"),
			"line 6: NightLook: counters.a.over: want a duration of at most 24h, like 15m or 2h, or day: what is counted is counted anew with each local day",
		},
		{
			"a counter of a field that does not exist", counters("\n    a:\n      per: pair\n      when: access.prnt", "counters.a > 1"),
			"line 9: NightLook: counters.a.when: line 1, column 7: undefined field 'prnt'",
		},
		{"a counter that is a number", counters("{a: {per: pair, when: access.hour}}", "counters.a > 1"), "line 6: NightLook: counters.a.when: it is of type int; want one that is true or false"},
		{
			"a counter of a word that never is", counters(`{a: {per: pair, when: '"researsch" in access.purposes'}}`, "counters.a > 1"),
			`line 6: NightLook: counters.a.when: line 1, column 1: purposes is never "researsch"; it is one of emergency, payment, operations, research`,
		},
		{
			"a counter that asks for counters", counters("{a: {per: pair}, b: {per: pair, when: access.look && counters.a > 1}}", "counters.a + counters.b > 1"),
			"line 6: NightLook: counters.b.when: line 1, column 16: a counter cannot ask for counters",
		},
		{"a counter that is not there", counters("{a: {per: pair}}", "access.look &&\n counters.b > counters.a"), "line 7: NightLook: when: line 2, column 10: undefined field 'b'"},
		{"no counters at all", cond("counters.b > 1"), "line 6: NightLook: when: line 1, column 1: undeclared reference to 'counters'"},
		{
			"a counter that nobody asks for", counters("\n    a: {per: pair}\n    b: {per: pair}", "counters.b > 1"),
			"line 7: NightLook: counters.a: the condition does not ask for it: want counters.a in when",
		},
		{
			"a counter of another kind", counters("{a: {per: pair}}", `counters.a == "1"`),
			"line 7: NightLook: when: line 1, column 12: found no matching overload for '_==_' applied to '(int, string)'",
		},
		{
			"counters that cost too much together",
			counters(`{a: {per: pair, when: 'reasons.exists(a, a + "0123456789" + a == "b" || a + "c" + a == "d")'}}`,
				`counters.a > 1 && reasons.exists(a, a + "0123456789" + a == "b" || a + "c" + a == "d")`),
			"line 6: NightLook: counters: with its counters, it could cost 1775 for one access; want at most 1000: fewer loops, shorter patterns",
		},
		{
			"compared where a counter never counts", counters("{a: {per: pair, when: '!explained'}}", "counters.a > 1") + "  usual: all\n",
			"line 10: NightLook: usual: all compares with accesses that a document explains, and this rule asks for the reason: want peers",
		},
		{
			"faults in two rules", "rules:\n- {name: A}\n- name: B\n  key: pair\n",
			`line 2: A: about: missing
line 2: A: normal: missing
line 2: A: key: missing
line 2: A: grades: want a list of {at_least: 1, word: "..."}
line 2: A: when: missing
line 2: A: name: "A" is not a name; want one like NightLook: letters and digits, the first a capital and not all of them, at most 40
line 3: B: about: missing
line 3: B: normal: missing
line 3: B: grades: want a list of {at_least: 1, word: "..."}
line 3: B: when: missing
line 3: B: name: "B" is not a name; want one like NightLook: letters and digits, the first a capital and not all of them, at most 40`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all, err := rules.Parse([]byte(tt.file))
			if err == nil {
				t.Fatalf("%d rules without a fault", len(all))
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the rules of one file claim together is bounded.
func TestTogether(t *testing.T) {
	file := "rules:\n"
	for i := range 20 {
		file += strings.TrimPrefix(strings.Replace(rule, "NightLook", "NightLook"+string(rune('a'+i)), 1), "rules:\n")
	}
	_, err := rules.Parse([]byte(file))
	want := "20 detectors with key pair; want at most 17\ndetectors with key pair claim 1000 per mille of all misuse; want at most 500"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	file = "rules:\n"
	for i := range 5 {
		one := counters("{a: {per: pair}, b: {per: pair}, c: {per: reader}, d: {per: record}}", "counters.a + counters.b + counters.c + counters.d > 9")
		file += strings.TrimPrefix(strings.Replace(one, "NightLook", "NightLook"+string(rune('a'+i)), 1), "rules:\n")
	}
	if _, err := rules.Parse([]byte(file)); err == nil || err.Error() != "20 counters in all; want at most 16" {
		t.Errorf("five rules of four counters: %v", err)
	}
}

func TestValid(t *testing.T) {
	all, err := rules.Parse([]byte(rule + "  count: {of: accesses, over: 90m}\n  hard: true\n  usual: all\n  share: 20\n  misuse: [700]\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := detectors.Custom{
		Name: "NightLook", About: "Somebody looked at night.", Normal: "A duty at night would have made it normal.",
		Peers: detectors.PeersAll, Hard: true, Over: 90 * 60e9, Share: 20,
		Grades: []detectors.CustomGrade{{AtLeast: 1, Word: "at night", Misuse: 700}},
	}
	if diff := cmp.Diff(want, all[0].Custom()); diff != "" {
		t.Error(diff)
	}
}

// What is needed is found in the condition.
func TestNeeds(t *testing.T) {
	for _, tt := range []struct {
		when, needs string
		verdict     bool
	}{
		{"access.look", "", false},
		{"access.look && kin.household > 500", "patients, staff", false},
		{"reader.off_duty", "roster", false},
		{"reader.vendor || !reader.employed", "employment", false},
		{"!explained", "care", true},
		{`patient.vip && size(reasons) == 0`, "care, watch lists and labels", true},
	} {
		c := parse(t, "pair", tt.when).Custom()
		if got := c.Needs.String(); got != tt.needs || c.Verdict != tt.verdict {
			t.Errorf("%s needs %q, verdict %v; want %q, %v", tt.when, got, c.Verdict, tt.needs, tt.verdict)
		}
	}
}

// Only a condition whose cost grows with what a source sends is watched while it runs.
func TestWatched(t *testing.T) {
	for when, want := range map[string]bool{
		"access.look && access.hour < 6":                        false,
		`reader.role == "researcher" && access.site != "north"`: false,
		`"mental" in patient.labels && !explained`:              false,
		`reasons.exists(r, r.startsWith("vendor"))`:             false,
		`access.workstation.matches("^home")`:                   false,
		`access.workstation.matches("^(home|remote)-[0-9]+$")`:  true,
		`access.workstation.contains(access.site)`:              true,
		`access.workstation + access.site == "ab"`:              false,
	} {
		if r := parse(t, "pair", when); r.Watched != want {
			t.Errorf("%s is watched: %v, want %v", when, r.Watched, want)
		}
	}
}

// The rules of testdata are told as they are understood; change the golden files with -update.
func TestDescribe(t *testing.T) {
	paths, err := filepath.Glob("testdata/describe/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no files", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "rules.yaml")
		if err := os.WriteFile(file, archive.Files[0].Data, 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := (&rules.CheckCommand{File: file}).Run(&out); err != nil {
			t.Fatal(err)
		}
		if *update {
			archive.Files[1].Data = out.Bytes()
			if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(archive.Files[1].Data), out.String()); diff != "" {
			t.Error(path, diff)
		}
	}
}

// The README describes every field, and no other.
func TestReadme(t *testing.T) {
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "<!-- fields -->\n")
	got, _, found := strings.Cut(rest, "<!-- end of fields -->\n")
	if !found {
		t.Fatal("README.md has no table of fields")
	}
	want := rules.FieldTable()
	if *update {
		text := strings.Replace(string(data), "<!-- fields -->\n"+got, "<!-- fields -->\n"+want, 1)
		if err := os.WriteFile("README.md", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("go test ./detectors/rules -update writes it:", diff)
	}
}

// Whatever is read: no panic, and what was understood can be told, and is understood the same again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(rule))
	f.Add([]byte(rule + "  count: {of: accesses, over: 90m}\n  hard: true\n  misuse: [700]\n"))
	f.Add([]byte("rules: [{name: A, when: 'reasons.exists(r, r == \"charted\")'}]"))
	f.Add([]byte("rules: &a [*a]"))
	f.Add([]byte(counters("{a: {of: records, per: reader, over: 90m, when: access.print}, b: {per: pair}}", "counters.a > 1 && counters.b == 1")))
	f.Add([]byte(counters("{a: {per: pair, over: 7d}, b: {per: record, when: counters.a > 1}}", "counters.c")))
	f.Add([]byte("a: b\n---\nc: d"))
	if example, err := os.ReadFile("../../deploy/config/detectors.yaml"); err == nil {
		f.Add(example)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := rules.Parse(data)
		if err != nil {
			if all != nil || err.Error() == "" {
				t.Fatal("rules beside a fault, or a fault without words")
			}
			return
		}
		again, err := rules.Parse(data)
		if err != nil || len(again) != len(all) {
			t.Fatalf("understood once: %v", err)
		}
		for i, r := range all {
			c := r.Custom()
			if faults := c.Validate(); len(faults) > 0 {
				t.Fatal(faults)
			}
			if diff := cmp.Diff(c, again[i].Custom()); diff != "" {
				t.Fatal(diff)
			}
			if counters := len(c.Counters); counters > detectors.MaxCounters || counters > 0 && !strings.Contains(r.When, "counters") {
				t.Fatalf("%d counters, asked by %q", counters, r.When)
			}
			if r.Cost > 1000 {
				t.Fatalf("a cost of %d", r.Cost)
			}
		}
	})
}

// A file that is too long is refused without being read as a whole; a device has no end.
func TestLoadReadsNoMoreThanItMust(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(path, []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	const size = 256 << 20
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := rules.Load(path)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "the file has more than 1048576 bytes") {
		t.Errorf("a file of %d bytes: %v", size, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > size/4 {
		t.Errorf("%d bytes were read of a file that is refused", n)
	}
}
