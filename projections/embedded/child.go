package embedded

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// keptOutput is how many last bytes of the child's error output a failed start quotes.
const keptOutput = 2 << 10

// maxCrashFile bounds the file that collects what the engine itself writes when it crashes.
const maxCrashFile = 4 << 20

// child is one life of the engine's process.
type child struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	ready chan struct{} // a value when it listens, closed without one when the child ends before
	tail  tail

	readers sync.WaitGroup // of stdout and stderr
}

// startChild runs the command, hands it its configuration and the lock, and starts reading what it says.
func startChild(cfg Config, serve ServeConfig, lock *os.File) (*child, error) {
	cmd := exec.Command(cfg.Command[0], cfg.Command[1:]...) //nolint:gosec // the command is this program
	cmd.Path = program(cmd.Path)
	cmd.Dir = cfg.Dir
	cmd.Env = childEnvironment(cfg.Env)
	cmd.SysProcAttr = childAttributes()
	cmd.ExtraFiles = []*os.File{lock}
	c := &child{cmd: cmd, ready: make(chan struct{}, 1)}
	var err error
	if c.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	c.readers.Go(func() { c.readOutput(stdout) })
	c.readers.Go(func() { c.readErrors(stderr, cfg.Logger, filepath.Join(cfg.Dir, "crash.log")) })
	if err := json.NewEncoder(c.stdin).Encode(serve); err != nil { //nolint:gosec // the pipe is how the child learns its password
		c.kill()
		_ = c.wait()
		return nil, fmt.Errorf("start the engine: hand it its configuration: %w", err)
	}
	return c, nil
}

// childEnvironment is small on purpose: what the parent was configured with is none of the child's business.
func childEnvironment(extra []string) []string {
	env := []string{"TZ=UTC"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LANG", "GOCOVERDIR", "LD_LIBRARY_PATH"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return append(env, extra...)
}

// readOutput waits for the line that says that the child listens, and reads on so that the pipe never fills.
func (c *child) readOutput(stdout io.Reader) {
	defer close(c.ready)
	scanner := bufio.NewScanner(stdout)
	for scanner.Scan() {
		if scanner.Text() == readyWord {
			c.ready <- struct{}{}
			break
		}
	}
	_, _ = io.Copy(io.Discard, stdout)
}

// readErrors passes the child's own log on. Anything else is the engine's crash report, which may quote a statement:
// it goes to a file beside the data, never into the log.
func (c *child) readErrors(stderr io.Reader, logger *slog.Logger, crashFile string) {
	var file *os.File
	defer func() {
		if file != nil {
			_ = file.Close()
		}
	}()
	reader := bufio.NewReaderSize(stderr, 64<<10)
	for {
		line, err := reader.ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" && !relay(line, logger) {
			c.tail.add(line)
			if file == nil {
				file = openCrashFile(crashFile)
			}
			if file != nil {
				_, _ = file.WriteString(line + "\n")
			}
		}
		if err != nil {
			return
		}
	}
}

func openCrashFile(path string) *os.File {
	flags := os.O_CREATE | os.O_WRONLY | os.O_APPEND
	if info, err := os.Stat(path); err == nil && info.Size() > maxCrashFile {
		flags |= os.O_TRUNC
	}
	file, err := os.OpenFile(path, flags, 0o600)
	if err != nil {
		return nil
	}
	return file
}

// relay repeats a line of the child's JSON log with its level and attributes.
func relay(line string, logger *slog.Logger) bool {
	if !strings.HasPrefix(line, "{") {
		return false
	}
	var record map[string]any
	if json.Unmarshal([]byte(line), &record) != nil {
		return false
	}
	message, ok := record[slog.MessageKey].(string)
	if !ok {
		return false
	}
	var level slog.Level
	text, _ := record[slog.LevelKey].(string)
	if level.UnmarshalText([]byte(text)) != nil {
		level = slog.LevelInfo
	}
	var attrs []slog.Attr
	for key, value := range record {
		if key != slog.MessageKey && key != slog.LevelKey && key != slog.TimeKey {
			attrs = append(attrs, slog.Any(key, value))
		}
	}
	logger.LogAttrs(context.Background(), level, message, attrs...) //nolint:sloglint // the child's own constant message, passed on
	return true
}

// wait returns when the process is gone and everything it said has been read.
func (c *child) wait() error {
	c.readers.Wait()
	return c.cmd.Wait()
}

func (c *child) kill() { _ = c.cmd.Process.Kill() }

// stop asks the child to end in order. gone is closed when it has; after the timeout it is killed.
func (c *child) stop(gone <-chan struct{}, timeout time.Duration) {
	_ = c.cmd.Process.Signal(syscall.SIGTERM)
	_ = c.stdin.Close()
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
		c.kill()
		<-gone
	}
}

// exitError describes how a child ended.
func exitError(err error) error {
	if err == nil {
		return errors.New("the engine ended by itself")
	}
	return fmt.Errorf("the engine ended: %w", err)
}

// tail keeps the last lines of the error output.
type tail struct {
	mu   sync.Mutex // guards text
	text string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text += line + "\n"
	if extra := len(t.text) - keptOutput; extra > 0 {
		t.text = t.text[extra:]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.text)
}
