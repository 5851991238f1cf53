package acceptance_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// browserTimeout covers the packages on a slow line, ten days of a small hospital and every page in both schemes.
	browserTimeout = 12 * time.Minute
	// malformed becomes dead letters, one of which would be a script if a page let it.
	malformed = `{"resourceType":"AuditEvent","type":{"code":"rest"}}
<script>document.title = "taken over"</script>
`
)

// TestConsoleInBrowser drives the console of `readtrail demo` with Chromium; see browser/README.md.
func TestConsoleInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("loads ten days and looks at every page")
	}
	t.Parallel()
	chromium := browserOf(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("browser")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
	defer cancel()
	install := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	_, port, _ := strings.Cut(freeAddress(t), ":")
	// Another site than the console's 127.0.0.1, as a provider is; it listens when its test runs.
	issuer, secret := "http://localhost:"+port, "of-the-client"
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	d := newDemo(t, "READTRAIL_CONSOLE_OIDC_ISSUER="+issuer, "READTRAIL_CONSOLE_OIDC_CLIENT_ID=readtrail", "READTRAIL_CONSOLE_OIDC_CLIENT_SECRET_FILE="+file,
		"READTRAIL_CONSOLE_OIDC_ROLE_CLAIM=groups", "READTRAIL_CONSOLE_OIDC_PRIVACY_OFFICER=privacy",
		"READTRAIL_CONSOLE_OIDC_INVESTIGATOR=inquiry", "READTRAIL_CONSOLE_OIDC_RESPONDENT=asked", "READTRAIL_CONSOLE_OIDC_SITE_CLAIM=sites", "READTRAIL_CONSOLE_OIDC_EVERYWHERE=*")
	link := func(args ...string) string {
		out, err := d.command(append([]string{"link"}, args...)...).Output()
		if err != nil {
			t.Fatalf("link: %v", err)
		}
		return strings.TrimSpace(string(out))
	}
	file = filepath.Join(dir, "malformed.ndjson")
	if err := os.WriteFile(file, []byte(malformed), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := d.command("import", file, "--allow-dead-letters", "2").CombinedOutput(); err != nil {
		t.Fatalf("import: %v\n%s", err, out)
	}
	d.askSomebody(t)
	node := exec.CommandContext(ctx, "node", "--test", "--test-reporter=spec", "--test-concurrency=1", "console.test.mjs", "cases.test.mjs", "views.test.mjs", "provider.test.mjs")
	node.Dir = dir
	node.Env = append(os.Environ(), "BASE="+d.base, "MRN="+d.patient, "READER="+d.reader, "CHROMIUM="+chromium, "LINK="+d.link,
		"LINK_SECOND="+link(), "LINK_NO_SCRIPT="+link("--role", "investigator"), "LINK_VIEWER="+link("--role", "viewer"),
		"LINK_OFFICER="+link("--role", "privacy_officer"), "LINK_COLLEAGUE="+link("--role", "investigator"),
		"LINK_VIEWS="+link("--role", "privacy_officer"), "LINK_VIEWS_OTHER="+link("--role", "investigator"), "ISSUER="+issuer, "CLIENT_SECRET="+secret)
	out, err := node.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", tail(string(out)))
	if log := d.log(); strings.Contains(log, strings.Split(d.patient, "|")[1]) || strings.Contains(log, strings.Split(d.link, "#")[1]) || strings.Contains(log, "officer-7") {
		t.Error("the log holds an identifier or a secret")
	}
}

// browserOf finds a Chromium, or skips; in CI its absence fails.
func browserOf(t *testing.T) string {
	t.Helper()
	absent := func(what string) {
		if os.Getenv("CI") != "" {
			t.Fatal(what)
		}
		t.Skip(what)
	}
	for _, tool := range []string{"npm", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			absent(err.Error())
		}
	}
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if cache, err := os.UserCacheDir(); err == nil {
		if found, _ := filepath.Glob(filepath.Join(cache, "ms-playwright", "chromium-*", "chrome-linux*", "chrome")); len(found) > 0 {
			return found[len(found)-1]
		}
	}
	absent("no Chromium is here: apt-get install chromium-headless-shell, or another chromium or google-chrome on PATH")
	return ""
}

// demo is `readtrail demo`, loaded, and what it printed.
type demo struct {
	dir, base, link, patient, reader string
	stderr                           *bytes.Buffer
}

var (
	printedLink    = regexp.MustCompile(`The console\s+(http://\S+/sign-in#\S+)`)
	printedPatient = regexp.MustCompile(`who-viewed '([^']+)'`)
	printedReader  = regexp.MustCompile(`reader '([^']+)'`)
)

func newDemo(t *testing.T, env ...string) *demo {
	t.Helper()
	s := newServer(t) // a directory of its own, and the checks that everything is here
	d := &demo{dir: s.dir, stderr: &bytes.Buffer{}}
	cmd := exec.Command(binary, "demo", "--days", "10", "--staff", "150", "--patients", "2000", "--rate", "2")
	cmd.Env, cmd.Stderr = s.env(append(env, "READTRAIL_LISTEN_HTTP="+freeAddress(t), "READTRAIL_SITE_TIME_ZONE=Europe/Vienna")...), d.stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
		_ = cmd.Wait()
	})
	printed := readUntil(out, "Ctrl-C")
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, out)
	}()
	for _, x := range []struct {
		found *regexp.Regexp
		to    *string
	}{{printedLink, &d.link}, {printedPatient, &d.patient}, {printedReader, &d.reader}} {
		m := x.found.FindStringSubmatch(printed)
		if m == nil {
			t.Fatalf("the demo did not print what %s finds:\n%s\n%s", x.found, tail(printed), tail(d.stderr.String()))
		}
		*x.to = m[1]
	}
	d.base, _, _ = strings.Cut(d.link, "/sign-in#")
	return d
}

// askSomebody opens a case of the first alert and puts a question to whom nobody knows yet, which is told.
func (d *demo) askSomebody(t *testing.T) {
	t.Helper()
	out := func(args ...string) string {
		t.Helper()
		text, err := d.command(args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, text)
		}
		return string(text)
	}
	alert := regexp.MustCompile(`"alert_?[iI]d":\s*"(\w{27})"`).FindStringSubmatch(out("alerts", "--json"))
	if alert == nil {
		t.Fatal("the demo has no alert")
	}
	opened := regexp.MustCompile(`case (\w{27}) is at version 1`).FindStringSubmatch(out("case", "open", alert[1], "--title", "A question in the browser"))
	if opened == nil {
		t.Fatal("no case was opened")
	}
	said := out("case", "ask", opened[1], "--version", "1", "--name", "Jo", "--text", "Why did you look?", "--to", "oidc:asked-7")
	if !strings.Contains(said, "WARNING: The question may not reach them: nobody is known here as oidc:asked-7") {
		t.Errorf("whoever asks is not told that nobody knows the addressee: %s", said)
	}
}

// command runs a command of the binary against the demo.
func (d *demo) command(args ...string) *exec.Cmd {
	return exec.Command(binary, append([]string{"--server", filepath.Join(d.dir+"-demo", "readtrail.sock")}, args...)...)
}

func (d *demo) log() string { return d.stderr.String() }
