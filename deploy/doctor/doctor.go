// Package doctor says whether an installation keeps its promises, and what to do where it does not. It never says
// durable unless it knows.
package doctor

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/sys/unix"

	"github.com/readtrail/readtrail/deploy/config"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// ErrUnwell says that at least one check failed.
var ErrUnwell = errors.New("not all is well")

// Config is what the doctor looks at.
type Config struct {
	// Config is the server's configuration.
	Config *config.Config
	// HTTP and Base reach the running server, as a user of this machine.
	HTTP *http.Client
	Base string
	// Library finds the embedded engine; its error names the command that brings it.
	Library func() (string, error)
	// Confined says how far the operating system confines the embedded engine's process, and whether it does.
	Confined func() (string, bool)
}

// Finding is one thing looked at.
type Finding struct {
	Check string `json:"check"`
	OK    bool   `json:"ok"`
	Found string `json:"found"`
	// Do is what to do about it; empty when all is well.
	Do string `json:"do,omitempty"`
}

// Examine looks at everything; it changes nothing but one probe file that it removes.
func Examine(ctx context.Context, cfg Config) []Finding {
	c := cfg.Config
	out := []Finding{
		dataDir(c.DataDir),
		fileSystem(c.DataDir),
		freeSpace(c),
		syncProbe(c.DataDir),
		openFiles(),
		secretMode("master key", c.Keys.MasterKeyFile),
		keysApart(c),
	}
	if c.ClickHouse.DSN == "" {
		out = append(out, library(cfg.Library), confinement(cfg.Confined))
	}
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	out = append(out, server(ctx, readtrailv1connect.NewQueryServiceClient(cfg.HTTP, cfg.Base))...)
	return append(out, noted(ctx, cfg)...)
}

// Report writes findings for people, or as JSON. It returns ErrUnwell when one is not well.
func Report(w io.Writer, findings []Finding, asJSON bool) error {
	unwell := false
	for _, f := range findings {
		unwell = unwell || !f.OK
	}
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		if err := enc.Encode(findings); err != nil {
			return fmt.Errorf("write findings: %w", err)
		}
	} else {
		for _, f := range findings {
			mark := "ok  "
			if !f.OK {
				mark = "FAIL"
			}
			fmt.Fprintf(w, "%s  %-14s %s\n", mark, f.Check, f.Found)
			if f.Do != "" {
				fmt.Fprintf(w, "      %-14s -> %s\n", "", f.Do)
			}
		}
	}
	if unwell {
		return ErrUnwell
	}
	return nil
}

func dataDir(dir string) Finding {
	return private("data directory", dir, dir+" does not exist yet; `readtrail up` makes it", "look in", "chmod 700 ")
}

func fileSystem(dir string) Finding {
	f := Finding{Check: "file system"}
	var st unix.Statfs_t
	if err := unix.Statfs(existing(dir), &st); err != nil {
		f.Found, f.Do = "cannot be read: "+err.Error(), "check the path"
		return f
	}
	if name, bad := forgetful[int64(st.Type)]; bad { //nolint:unconvert // types differ between platforms
		f.Found, f.Do = name+" forgets everything at a power cut", "put data_dir on a disk"
		return f
	}
	f.OK, f.Found = true, fmt.Sprintf("type %#x", st.Type)
	return f
}

func freeSpace(c *config.Config) Finding {
	f := Finding{Check: "free space"}
	var st unix.Statfs_t
	if err := unix.Statfs(existing(c.DataDir), &st); err != nil {
		f.Found, f.Do = "cannot be read: "+err.Error(), "check the path"
		return f
	}
	free := config.Size(int64(st.Bavail) * int64(st.Bsize)) //nolint:unconvert // types differ between platforms
	f.Found = fmt.Sprintf("%.1f GiB free, events are refused below %s", float64(free)/(1<<30), c.Journal.Reserve)
	if f.OK = free > 2*c.Journal.Reserve; !f.OK {
		f.Do = "make room: nothing is deleted to make it"
	}
	return f
}

// syncProbe writes and syncs a small file, as the journal does before each acknowledgement.
func syncProbe(dir string) Finding {
	f := Finding{Check: "sync"}
	file, err := os.CreateTemp(existing(dir), ".doctor-*")
	if err != nil {
		f.Found, f.Do = "cannot write: "+err.Error(), "check who owns the data directory"
		return f
	}
	defer os.Remove(file.Name())
	defer file.Close()
	const writes = 20
	began := time.Now()
	for range writes {
		if _, err := file.Write(make([]byte, 4096)); err != nil {
			f.Found, f.Do = "cannot write: "+err.Error(), "check the disk"
			return f
		}
		if err := file.Sync(); err != nil {
			f.Found, f.Do = "cannot sync: "+err.Error(), "check the disk"
			return f
		}
	}
	each := time.Since(began) / writes
	f.OK, f.Found = true, fmt.Sprintf("%s for each write that is on disk", each.Round(10*time.Microsecond))
	return f
}

func openFiles() Finding {
	f := Finding{Check: "open files"}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		f.Found, f.Do = "cannot be read: "+err.Error(), "check ulimit -n"
		return f
	}
	const want = 4096 // one engine part is about 10 files, and a merge opens dozens of parts
	f.Found = fmt.Sprintf("%d allowed", limit.Max)
	if f.OK = limit.Max >= want; !f.OK {
		f.Do = fmt.Sprintf("raise the limit (ulimit -n) to at least %d", want)
	}
	return f
}

func secretMode(name, path string) Finding {
	return private(name, path, "not made yet; the first start makes it", "read it", "chmod 600 ")
}

// private checks that only its owner can use what stands at path.
func private(check, path, absent, others, command string) Finding {
	f := Finding{Check: check}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		f.OK, f.Found = true, absent
	case err != nil:
		f.Found, f.Do = "cannot be read: "+err.Error(), "check who owns it"
	case info.Mode().Perm()&0o077 != 0:
		f.Found, f.Do = fmt.Sprintf("%s has mode %o: others can %s", path, info.Mode().Perm(), others), command+path
	default:
		f.OK, f.Found = true, path
	}
	return f
}

// keysApart warns, without failing, when the keys lie where a backup of the journal takes them along.
func keysApart(c *config.Config) Finding {
	f := Finding{Check: "keys", OK: true, Found: c.Keys.Dir}
	if rel, err := filepath.Rel(c.DataDir, c.Keys.Dir); err == nil && filepath.IsLocal(rel) {
		f.Do = "keep " + c.Keys.Dir + " out of backups of the journal, or set keys.dir elsewhere: a redaction must reach every copy of a key"
	}
	return f
}

func library(find func() (string, error)) Finding {
	path, err := find()
	if err != nil {
		return Finding{Check: "engine", Found: err.Error(), Do: "go tool task engine"}
	}
	return Finding{Check: "engine", OK: true, Found: path}
}

// confinement warns, without failing, when a mistake in a statement could reach files that are not the engine's.
func confinement(confined func() (string, bool)) Finding {
	text, ok := confined()
	f := Finding{Check: "engine process", OK: true, Found: text}
	if !ok {
		f.Do = "run on Linux 5.19 or newer with Landlock (CONFIG_SECURITY_LANDLOCK, and in lsm= where that is set), in a container whose seccomp profile allows it"
	}
	return f
}

// serverTimeout is short: the doctor asks on the same machine.
const serverTimeout = 5 * time.Second

func server(ctx context.Context, client readtrailv1connect.QueryServiceClient) []Finding {
	res, err := client.GetStatus(ctx, connect.NewRequest(&v1.GetStatusRequest{}))
	if err != nil {
		return []Finding{
			{Check: "server", Found: "does not answer", Do: "start it with `readtrail up`, or name it with --server"},
			{Check: "durability", Found: "not known: no server to ask", Do: "start the server and ask again"},
		}
	}
	s := res.Msg
	out := []Finding{{Check: "server", OK: true, Found: "version " + s.Version}}
	switch s.Durability {
	case "verified":
		out = append(out, Finding{Check: "durability", OK: true, Found: "verified: " + s.DurabilityReason})
	case "attested":
		out = append(out, Finding{
			Check: "durability", Found: "attested, not verified: " + s.DurabilityReason,
			Do: "give journal.system_credentials_file, so that the server's sync settings can be read",
		})
	default:
		out = append(out, Finding{Check: "durability", Found: "not durable: " + s.DurabilityReason, Do: "see journal in the configuration"})
	}
	for _, p := range s.Projections {
		lag := time.Duration(p.LagUs) * time.Microsecond
		f := Finding{Check: "projection", OK: !p.Active || lag < time.Minute, Found: fmt.Sprintf("%s version %d, %s behind", p.Name, p.Version, lag)}
		if p.Position == 0 && s.JournalPosition > 0 { // its lag would be counted from 1970
			f.OK, f.Found = false, fmt.Sprintf("%s version %d has read nothing yet", p.Name, p.Version)
		}
		if !f.OK {
			f.Do = "after a start, ask again in some seconds; else look at the log of the projector"
		}
		out = append(out, f)
	}
	return append(out, glass(s)...)
}

// reviewWithin is how long a broken glass may wait for a review: a weekend and a day (deploy/prometheus has the same).
const reviewWithin = 3 * 24 * time.Hour

// glass tells of broken glasses that wait for a review; nothing where none does.
func glass(s *v1.GetStatusResponse) []Finding {
	if s.GlassUnreviewed == 0 {
		return nil
	}
	since := time.UnixMicro(s.GlassUnreviewedSinceUs)
	f := Finding{Check: "broken glass", Found: fmt.Sprintf("%d not reviewed, the first since %s", s.GlassUnreviewed, since.UTC().Format("2006-01-02 15:04 UTC"))}
	if f.OK = time.Since(since) < reviewWithin; !f.OK {
		f.Do = "somebody other than who broke it says whether for good reason: `readtrail glass list`, `readtrail glass review`"
	}
	return []Finding{f}
}

// noted is what the server itself says of its health, beside being ready or not.
func noted(ctx context.Context, cfg Config) (out []Finding) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, cfg.Base+"/readyz", nil)
	if err != nil {
		return nil
	}
	res, err := cfg.HTTP.Do(req)
	if err != nil {
		return nil // that it does not answer has been said
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(io.LimitReader(res.Body, maxNotes))
	for lines.Scan() {
		if about, text, ok := strings.Cut(lines.Text(), ": "); ok {
			out = append(out, Finding{Check: about, Found: text, Do: remedies[about]})
		}
	}
	if res.StatusCode != http.StatusOK {
		out = append(out, Finding{Check: "ready", Found: "the server takes nothing or answers nothing", Do: "look at its log"})
	}
	return out
}

// maxNotes bounds what the server says of its health, in bytes.
const maxNotes = 64 << 10

// remedies are what to do about what the server says of itself.
var remedies = map[string]string{
	"clock":       "compare the machine's clock with the true time; deploy/README.md, \"A wrong clock\", says what then",
	"projections": "events are taken meanwhile and nothing is lost; the log names the statement",
}

// existing is the nearest directory above path that exists.
func existing(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}
