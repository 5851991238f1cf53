package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// machine is what the numbers were measured on: without it they mean nothing.
type machine struct {
	Processor string  `json:"processor"`
	Cores     int     `json:"cores"`
	MemoryGB  float64 `json:"memory_gb"`
	Kernel    string  `json:"kernel"`
	// Fsync is the median time to append 4 KiB to a file and have them on disk, in the directory that is used.
	FsyncMS float64 `json:"fsync_ms"`
	FreeGB  float64 `json:"free_gb"`
	// Load is the load average of the last minute before the run: other work shares the cores.
	Load float64 `json:"load"`
}

// tmpfs is the type of file systems in memory (statfs(2), TMPFS_MAGIC).
const tmpfs = 0x01021994

func (m machine) String() string {
	return fmt.Sprintf("%s, %d cores, %.0f GB memory, Linux %s, fsync %.2f ms, %.0f GB free, load before the run %.1f",
		m.Processor, m.Cores, m.MemoryGB, m.Kernel, m.FsyncMS, m.FreeGB, m.Load)
}

// examine measures the machine and refuses a directory in memory, where fsync costs nothing.
func examine(dir string) (machine, error) {
	m := machine{
		Processor: "unknown processor", Cores: runtime.NumCPU(),
		Kernel:   firstField("/proc/sys/kernel/osrelease"),
		MemoryGB: procNumber("/proc/meminfo", "MemTotal:") / (1 << 20),
	}
	if line := procLine("/proc/cpuinfo", "model name"); line != "" {
		_, m.Processor, _ = strings.Cut(line, ": ")
	}
	m.Load, _ = strconv.ParseFloat(firstField("/proc/loadavg"), 64)
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return m, fmt.Errorf("examine %s: %w", dir, err)
	}
	m.FreeGB = float64(fs.Bavail) * float64(fs.Bsize) / (1 << 30)
	if fs.Type == tmpfs {
		return m, fmt.Errorf("%s is in memory: name a directory on a disk with -dir", dir)
	}
	var err error
	m.FsyncMS, err = fsyncLatency(dir)
	return m, err
}

func fsyncLatency(dir string) (float64, error) {
	const rounds = 200
	f, err := os.Create(filepath.Join(dir, "fsync"))
	if err != nil {
		return 0, fmt.Errorf("measure fsync: %w", err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4<<10)
	took := make([]time.Duration, rounds)
	for i := range took {
		begin := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		took[i] = time.Since(begin)
	}
	return milliseconds(quantile(took, 0.5)), nil
}

// procLine is the first line of a file in /proc that begins with prefix.
func procLine(path, prefix string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), prefix) {
			return lines.Text()
		}
	}
	return ""
}

// procNumber is the number behind a name in a file in /proc.
func procNumber(path, name string) float64 {
	fields := strings.Fields(strings.TrimPrefix(procLine(path, name), name))
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseFloat(fields[0], 64)
	return n
}

func firstField(path string) string {
	text, _ := os.ReadFile(path)
	fields := strings.Fields(string(text))
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

// peak reads the largest resident memory of a process since resetPeak, in bytes.
func peak(pid int) float64 {
	return procNumber(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:") * 1024
}

// resetPeak makes the kernel count a process's largest resident memory from now on (proc(5), clear_refs).
func resetPeak(pid int) error {
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o200); err != nil {
		return fmt.Errorf("reset peak memory: %w", err)
	}
	return nil
}

// processorTime is what a process has used of the processors so far.
func processorTime(pid int) time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on
	return time.Duration(user+system) * tick
}

// processors is what a process and its children have used of the processors so far.
func processors(pid int) (own, children time.Duration) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && parent(path) == pid {
			children += processorTime(child)
		}
	}
	return processorTime(pid), children
}

// parent is the parent of the process that a stat file is about.
func parent(path string) int {
	text, _ := os.ReadFile(path)
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 2 {
		return 0
	}
	pid, _ := strconv.Atoi(fields[1])
	return pid
}

// usage is the processor time an event of a server and of its engine, between two moments.
type usage struct{ own, engine time.Duration }

func usageOf(pid int) usage {
	own, children := processors(pid)
	return usage{own, children}
}

// since tells what was used, an event: other work on the machine slows the figures down, this hardly.
func (u usage) since(before usage, events int) string {
	each := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(max(events, 1)) }
	return fmt.Sprintf("processor an event: %.1f us + engine %.1f us", each(u.own-before.own), each(u.engine-before.engine))
}
