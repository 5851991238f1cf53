package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// serverStart bounds how long the embedded server may take to recover its store. Recovery reads block headers and the
// last block: seconds for terabytes, so a minute means that something is wrong.
const serverStart = time.Minute

// maxPayload is the embedded server's message limit, the largest that it does not warn of.
const maxPayload = 8 << 20

// startServer starts the embedded server over dir. It listens on nothing.
func startServer(dir string, noSync bool, log *slog.Logger) (*server.Server, error) {
	opts := &server.Options{
		ServerName: "readtrail", DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: filepath.Join(dir, "stream"),
		SyncAlways: !noSync, SyncInterval: 2 * time.Minute,
		MaxPayload: maxPayload, MaxPending: 4 * maxPayload,
		// The stream's own limit counts; this one only must not be in its way.
		JetStreamMaxStore: 1 << 50, JetStreamMaxMemory: 64 << 20,
		DisableJetStreamBanner: true,
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("make embedded server: %w", err)
	}
	srv.SetLoggerV2(serverLog{log}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(serverStart) {
		stopServer(srv)
		return nil, fmt.Errorf("start embedded server: not ready within %s", serverStart)
	}
	if !srv.JetStreamEnabled() {
		stopServer(srv)
		return nil, errors.New("start embedded server: JetStream could not be enabled")
	}
	return srv, nil
}

func stopServer(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// serverLog passes what the embedded server has to say to slog. Its notices are routine.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, args ...any) { l.say(slog.LevelDebug, format, args) }
func (l serverLog) Debugf(string, ...any)              {}
func (l serverLog) Tracef(string, ...any)              {}
func (l serverLog) Warnf(format string, args ...any)   { l.say(slog.LevelWarn, format, args) }
func (l serverLog) Errorf(format string, args ...any)  { l.say(slog.LevelError, format, args) }
func (l serverLog) Fatalf(format string, args ...any)  { l.say(slog.LevelError, format, args) }

func (l serverLog) say(level slog.Level, format string, args []any) {
	l.log.Log(context.Background(), level, "embedded server", slog.String("text", fmt.Sprintf(format, args...)))
}
