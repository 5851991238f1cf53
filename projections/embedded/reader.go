package embedded

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Bounds of what ReadUser asks: a dashboard's panel takes far less, and whoever writes an endless query must not take the
// engine away from the projector and from questions.
const (
	// readerSessions is how many of their statements run at a time, beside those of User.
	readerSessions = 2
	readerTime     = 30 * time.Second
	// readerMemory is the part of the engine's memory that one of their statements may take.
	readerMemory  = 8
	readerThreads = 2
)

// newReaderPool opens sessions that only read. What they may do cannot be widened again, by no statement: with readonly = 1
// the engine itself refuses every change, of settings too, and what is refused to everybody (files, other machines) is
// refused to them.
func newReaderPool(lib *library, args []string, memory int64) (*pool, error) {
	p, err := newPool(lib, args, 0, memory)
	if err != nil {
		return nil, err
	}
	p.base["max_memory_usage"] = fmt.Sprint(memory / readerMemory)
	p.base["max_execution_time"] = fmt.Sprint(int(readerTime.Seconds()))
	p.base["max_threads"] = fmt.Sprint(readerThreads)
	p.base["readonly"] = "1"
	p.free = make(chan *session, readerSessions)
	for range readerSessions {
		s, err := p.open()
		if err != nil {
			return nil, err
		}
		p.free <- s
	}
	return p, nil
}

// bounded are settings that clients send of their own accord, for every statement. The bounds above hold whatever they say.
var bounded = map[string]bool{
	"max_execution_time": true, "max_memory_usage": true, "max_threads": true, "max_result_rows": true, "max_block_size": true,
}

// restrict makes a request one that only reads. Its sessions take no settings.
func (req *request) restrict() error {
	for name := range req.settings {
		if !bounded[name] {
			return refuse(codeReadOnly, "Cannot modify '"+name+"' setting in readonly mode")
		}
	}
	req.readOnly, req.settings = true, nil
	return nil
}

// readerPassword reads the password of ReadUser, making the file when it is not there.
func readerPassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		text = []byte(rand.Text() + "\n")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", fmt.Errorf("make the reader's password: %w", err)
		}
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("read the reader's password: %w", err)
	}
	password := strings.TrimSpace(string(text))
	if password == "" {
		return "", fmt.Errorf("read the reader's password: %s is empty; remove it, and the next start makes one", path)
	}
	return password, nil
}
