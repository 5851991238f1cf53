package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrRunning says that a server runs on the data directory already. Its text says which.
var ErrRunning = errors.New("a server is already running on this directory")

// Instance is the process that serves a data directory, and where it listens.
type Instance struct {
	PID    int    `json:"pid"`
	Socket string `json:"socket"`
	HTTP   string `json:"http"`
}

// instanceFile lies in the data directory. The server holds a lock on it for its whole life, which the system takes back
// however the process ends; what the file says counts only while it is locked.
const instanceFile = "server.json"

// takeFor is how long a taken directory is tried again: somebody who only looks (Running) holds it for an instant.
const (
	takeFor   = 200 * time.Millisecond
	takeEvery = 10 * time.Millisecond
)

// Take makes this process the one that serves dir. The error wraps ErrRunning when another does. release gives dir back.
func Take(dir string, self Instance) (release func() error, err error) {
	file, err := os.OpenFile(filepath.Join(dir, instanceFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("take the data directory: %w", err)
	}
	for deadline := time.Now().Add(takeFor); ; time.Sleep(takeEvery) {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Now().After(deadline) {
			break
		}
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		other := read(file)
		_ = file.Close()
		return nil, fmt.Errorf("%w (pid %d, socket %s)", ErrRunning, other.PID, other.Socket)
	case err != nil:
		_ = file.Close()
		return nil, fmt.Errorf("take the data directory: %w", err)
	}
	text, err := json.Marshal(self)
	if err == nil {
		err = file.Truncate(0)
	}
	if err == nil {
		_, err = file.WriteAt(text, 0)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("take the data directory: %w", err)
	}
	return file.Close, nil
}

// Running returns the server that runs on dir; ok is false when there is none. It changes nothing.
func Running(dir string) (other Instance, ok bool, err error) {
	file, err := os.Open(filepath.Join(dir, instanceFile))
	if errors.Is(err, os.ErrNotExist) {
		return Instance{}, false, nil
	}
	if err != nil {
		return Instance{}, false, fmt.Errorf("look for a running server: %w", err)
	}
	defer file.Close() // gives the lock back too
	switch err := syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return read(file), true, nil
	case err != nil:
		return Instance{}, false, fmt.Errorf("look for a running server: %w", err)
	}
	return Instance{}, false, nil
}

// read returns what the file says; nothing while its owner has only just taken it.
func read(file *os.File) Instance {
	var i Instance
	if err := json.NewDecoder(file).Decode(&i); err != nil {
		return Instance{}
	}
	return i
}
