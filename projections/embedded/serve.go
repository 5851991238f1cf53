package embedded

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
	"golang.org/x/sync/errgroup"
)

// ServeConfig is what the child process is told, as one JSON object on its standard input: the password must not be on
// its command line or in its environment, where others can read it.
type ServeConfig struct {
	Library       string `json:"library"`        // path of libchdb
	Dir           string `json:"dir"`            // data directory, owned by this process alone
	Socket        string `json:"socket"`         // path of the unix socket to listen on
	User          string `json:"user"`           // the one user
	Password      string `json:"password"`       // and their password
	MemoryLimit   int64  `json:"memory_limit"`   // bytes the engine may use in all
	KeepFree      int64  `json:"keep_free"`      // bytes of disk the engine leaves free
	MaxConcurrent int    `json:"max_concurrent"` // statements at a time
	MaxBody       int64  `json:"max_body"`       // bytes of one insert

	DeafAfter time.Duration `json:"deaf_after"` // how long a statement may go on once it was told to stop
}

// Bounds of the child.
const (
	// drainTimeout is how long running statements get to finish at a stop before they are killed.
	drainTimeout = 10 * time.Second
	// closeTimeout is how long the engine then gets to shut down in order. What it has acknowledged is on disk already.
	closeTimeout = 10 * time.Second
	// headerTimeout bounds how long a client may take to send its header.
	headerTimeout = 10 * time.Second
	// maxHeaderBytes bounds header and URL: typed parameters travel in the URL.
	maxHeaderBytes = 16 << 20
	// ballastBytes are kept and never touched, so that they take no memory: the collector counts them as live and runs when as much again was
	// allocated. This process holds requests and answers on their way and nothing else, and without it the collector ran all the time
	// while questions were asked.
	ballastBytes = 16 << 20
)

// readyWord is the line that the child writes to its standard output once it listens.
const readyWord = "ready"

// ServeStdin is the body of the hidden subcommand that Start runs: it reads a ServeConfig from stdin, says on stdout when
// it listens, and stops when ctx ends, on SIGTERM, or when stdin closes, which is how it learns that its parent has died.
func ServeStdin(ctx context.Context, stdin io.Reader, stdout io.Writer, logger *slog.Logger) error {
	decoder := json.NewDecoder(stdin)
	var cfg ServeConfig
	if err := decoder.Decode(&cfg); err != nil {
		return fmt.Errorf("read the engine's configuration from standard input: %w", err)
	}
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer cancel()
	go func() {
		// Owned by the process: a read of standard input cannot be interrupted.
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	return Serve(ctx, cfg, logger, func() { _, _ = fmt.Fprintln(stdout, readyWord) })
}

// Serve runs the engine in this process and answers on cfg's socket until ctx ends. A process can do this once: the engine
// cannot be unloaded. ready is called when the socket is open.
func Serve(ctx context.Context, cfg ServeConfig, logger *slog.Logger, ready func()) error {
	ballast := make([]byte, ballastBytes)
	defer runtime.KeepAlive(ballast)
	if err := cfg.prepareDirs(); err != nil {
		return err
	}
	lib, err := loadLibrary(cfg.Library)
	if err != nil {
		return err
	}
	pool, err := newPool(lib, []string{"readtrail", "--path=" + cfg.dataDir(), "--config-file=" + cfg.configFile()}, cfg.MaxConcurrent, cfg.MemoryLimit, cfg.DeafAfter)
	if err != nil {
		return err
	}
	server, err := serverContext(pool)
	if err != nil {
		return err
	}
	socket, err := cfg.listen(ctx)
	if err != nil {
		return err
	}
	h := &handler{
		pool: pool, server: server, user: cfg.User, password: cfg.Password,
		spoolDir: cfg.spoolDir(), maxBody: cfg.MaxBody, logger: logger,
	}
	web := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug)}
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := web.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve %s: %w", socket.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		select {
		case <-running.Done():
			return drain(context.WithoutCancel(ctx), web, pool, logger)
		case <-pool.deaf:
			// What the process returns stands beside the data; the log says why it ends.
			logger.ErrorContext(ctx, "engine does not hear an order to stop, its process ends", slog.Duration("after", cfg.DeafAfter))
			_ = web.Close()
			return errors.New("the engine does not hear an order to stop")
		}
	})
	ready()
	return group.Wait()
}

// drain lets running statements finish, kills those that do not, and closes the engine.
func drain(ctx context.Context, web *http.Server, pool *pool, logger *slog.Logger) error {
	bounded, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	if err := web.Shutdown(bounded); err != nil {
		logger.WarnContext(ctx, "statements were still running at the stop and are killed")
		pool.kill(tagPrefix)
		_ = web.Close()
	}
	bounded, cancel = context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	if !pool.close(bounded) {
		logger.WarnContext(ctx, "engine did not let go of its statements, leaving without an orderly shutdown")
	}
	return nil
}

func (cfg ServeConfig) dataDir() string    { return filepath.Join(cfg.Dir, "clickhouse") }
func (cfg ServeConfig) spoolDir() string   { return filepath.Join(cfg.Dir, "spool") }
func (cfg ServeConfig) configFile() string { return filepath.Join(cfg.Dir, "config.xml") }
func (cfg ServeConfig) usersFile() string  { return filepath.Join(cfg.Dir, "users.xml") }

func escapeXML(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a strings.Builder does not fail
	return b.String()
}

// prepareDirs makes the directories, empties the one for spooled inserts (a crash leaves files there, and none of them
// was acknowledged) and writes the engine's own configuration.
func (cfg ServeConfig) prepareDirs() error {
	if err := os.RemoveAll(cfg.spoolDir()); err != nil {
		return fmt.Errorf("empty the spool directory: %w", err)
	}
	// Without a metadata directory the library takes the data for a throw-away database and does not start the task that
	// removes dropped tables: DROP ... SYNC would wait for ever.
	for _, dir := range []string{cfg.Dir, cfg.dataDir(), filepath.Join(cfg.dataDir(), "metadata"), cfg.spoolDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the engine's directories: %w", err)
		}
	}
	for path, text := range map[string]string{cfg.configFile(): cfg.engineConfig(), cfg.usersFile(): engineUsers} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the engine's configuration: %w", err)
		}
	}
	return nil
}

// engineUsers is what a statement may do inside the engine: everything with tables. No grants on sources (FILE, URL, S3,
// REMOTE, ...) and on other table engines: that stops our own mistakes, not somebody who means it. The scalar function
// file() needs no grant: what it reaches is the operating system's to bound (confine_linux.go).
const engineUsers = `<clickhouse>
  <profiles><default></default></profiles>
  <quotas><default></default></quotas>
  <users>
    <default>
      <password></password>
      <networks><ip>::/0</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SELECT, INSERT, ALTER, CREATE, DROP, UNDROP TABLE, TRUNCATE, OPTIMIZE, CHECK, SHOW, KILL QUERY, SYSTEM, dictGet ON *.*</query>
        <query>GRANT TABLE ENGINE ON MergeTree</query>
        <query>GRANT TABLE ENGINE ON ReplacingMergeTree</query>
        <query>GRANT TABLE ENGINE ON SummingMergeTree</query>
        <query>GRANT TABLE ENGINE ON AggregatingMergeTree</query>
        <query>GRANT TABLE ENGINE ON Memory</query>
        <query>GRANT TABLE ENGINE ON Null</query>
        <query>GRANT TABLE ENGINE ON Set</query>
        <query>GRANT TABLE ENGINE ON Join</query>
        <query>GRANT TABLE ENGINE ON View</query>
        <query>GRANT TABLE ENGINE ON MaterializedView</query>
        <query>GRANT TABLE ENGINE ON Dictionary</query>
      </grants>
    </default>
  </users>
</clickhouse>
`

// engineConfig is the configuration of the engine as a ClickHouse server would read it. Caches take a part of the memory
// limit that leaves room for statements; the pools are small because the machine is shared with the rest of Readtrail. Merges
// make no statistics of columns, as they do by default: questions ask by key, no plan of theirs depends on one, and they took two
// to four bytes an event.
func (cfg ServeConfig) engineConfig() string {
	const text = `<clickhouse>
  <max_server_memory_usage>%d</max_server_memory_usage>
  <max_server_memory_usage_to_ram_ratio>1</max_server_memory_usage_to_ram_ratio>
  <mark_cache_size>%d</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <mmap_cache_size>1000</mmap_cache_size>
  <background_pool_size>4</background_pool_size>
  <background_schedule_pool_size>8</background_schedule_pool_size>
  <merge_tree><auto_statistics_types></auto_statistics_types></merge_tree>
  <timezone>UTC</timezone>
  <users_config>%s</users_config>
  <access_control_improvements><table_engines_require_grant>true</table_engines_require_grant></access_control_improvements>
  <storage_configuration><disks><default><keep_free_space_bytes>%d</keep_free_space_bytes></default></disks></storage_configuration>
</clickhouse>
`
	return fmt.Sprintf(text, cfg.MemoryLimit, cfg.MemoryLimit/16, escapeXML(cfg.usersFile()), cfg.KeepFree)
}

// listen opens the socket, in a directory that only this user can enter.
func (cfg ServeConfig) listen(ctx context.Context) (net.Listener, error) {
	if cfg.Socket == "" {
		return nil, errors.New("the engine has no socket to listen on")
	}
	if err := os.Remove(cfg.Socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old socket: %w", err)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "unix", cfg.Socket)
	if err != nil {
		return nil, fmt.Errorf("listen on the engine's socket: %w", err)
	}
	if err := os.Chmod(cfg.Socket, 0o600); err != nil {
		return nil, fmt.Errorf("protect the engine's socket: %w", err)
	}
	return l, nil
}

// serverContext tells the Native decoder which release wrote the bytes.
func serverContext(p *pool) (*column.ServerContext, error) {
	p.control.Lock()
	defer p.control.Unlock()
	var text string
	if _, err := p.controlConn.run("SELECT version(), toString(revision())", "TabSeparated", nil, func(b []byte) error {
		text = string(b)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("ask the engine for its version: %w", err)
	}
	fields := strings.Fields(text)
	if len(fields) != 2 {
		return nil, fmt.Errorf("ask the engine for its version: it said %q", text)
	}
	v := proto.ParseVersion(fields[0])
	ctx := &column.ServerContext{Timezone: time.UTC, VersionMajor: v.Major, VersionMinor: v.Minor, VersionPatch: v.Patch}
	_, err := fmt.Sscan(fields[1], &ctx.Revision)
	return ctx, err
}
