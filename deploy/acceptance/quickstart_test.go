package acceptance_test

import (
	"bufio"
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

// quickStartTimeout covers bringing the engine, the build and 28 days of a hospital on a small, busy machine.
const quickStartTimeout = 15 * time.Minute

// TestQuickStart runs README's first command, word for word, in a clean HOME, then the question that it prints.
func TestQuickStart(t *testing.T) {
	if testing.Short() {
		t.Skip("brings the engine anew and loads 28 days")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(firstCommand(t, filepath.Join(root, "README.md")))
	home, err := os.MkdirTemp("", "rt-") // short: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	cmd := exec.Command(fields[0], fields[1:]...)
	cmd.Dir, cmd.Env = root, cleanEnv(t, home)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C on a terminal reaches the whole group
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(quickStartTimeout, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	printed := readUntil(out, "Ctrl-C")
	question := regexp.MustCompile(`(?m)^\s+(\S+readtrail --server \S+ who-viewed .*)$`).FindStringSubmatch(printed)
	reader := regexp.MustCompile(`The story\s+([^,]+),`).FindStringSubmatch(printed)
	if question == nil || reader == nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		t.Fatalf("the demo did not say what to ask:\n%s", tail(printed))
	}
	ask := exec.Command("sh", "-c", question[1])
	ask.Env = cleanEnv(t, home)
	answer, err := ask.CombinedOutput()
	if err != nil || !strings.Contains(string(answer), reader[1]) {
		t.Errorf("%s: %v: the answer does not hold the story's reader:\n%s", question[1], err, tail(string(answer)))
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // the task runner reports the interrupt in its own way; what counts is that nothing runs any more
	if err := exec.Command("pgrep", "-f", home).Run(); err == nil {
		t.Error("processes of the demo still run after Ctrl-C")
	}
}

// firstCommand returns the first line of README's first sh block.
func firstCommand(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "```sh\n")
	if !ok {
		t.Fatal("README has no command")
	}
	line, _, _ := strings.Cut(after, "\n")
	return line
}

// cleanEnv is a new user's environment; only Go's caches are kept, which say nothing of Readtrail.
func cleanEnv(t *testing.T, home string) []string {
	t.Helper()
	env := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TERM=dumb"}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOTOOLCHAIN"} {
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	// How this machine reaches its package mirror is not a user's setting.
	for _, pair := range os.Environ() {
		if strings.HasPrefix(strings.ToLower(pair), "npm_config_") || strings.Contains(strings.ToLower(pair), "proxy=") {
			env = append(env, pair)
		}
	}
	return env
}

// readUntil reads lines until one holds mark, or the end.
func readUntil(r io.Reader, mark string) string {
	var text strings.Builder
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		text.WriteString(line)
		if err != nil || strings.Contains(line, mark) {
			return text.String()
		}
	}
}
