// Package serve is the outer shell of the process: listeners with their limits, health and metrics, and stopping in
// reverse order.
package serve

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/readtrail/readtrail/proto"
)

// Timeouts of the listeners. Bodies have none: an import is a stream that may take hours; each handler bounds its own.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 64 << 10
)

// Config says where to listen and to whom.
type Config struct {
	// HTTP is host:port. Required.
	HTTP string
	// Socket is the path of the local socket, made with mode 0600. Required.
	Socket string
	// CertFile and KeyFile are PEM files; without them HTTP is served in the clear.
	CertFile, KeyFile string
	// ClientCAFile holds the authorities whose client certificates are taken (PEM); empty: any certificate may be shown,
	// and only pinned fingerprints are believed.
	ClientCAFile string
	// ConnContext notes who is at the other end of the local socket.
	ConnContext func(ctx context.Context, conn net.Conn) context.Context
	Handler     http.Handler
	Logger      *slog.Logger
}

// Listeners are the open doors.
type Listeners struct {
	servers []*http.Server
	doors   []net.Listener
	failed  chan error
	address string
}

// Open opens both doors. An error means that none is open.
func Open(cfg Config) (*Listeners, error) {
	tcp, err := net.Listen("tcp", cfg.HTTP)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", cfg.HTTP, err)
	}
	unix, err := listenUnix(cfg.Socket)
	if err != nil {
		return nil, errors.Join(err, tcp.Close())
	}
	l := &Listeners{failed: make(chan error, 2), address: tcp.Addr().String()} // one error a listener
	security, err := cfg.tls()
	if err != nil {
		return nil, errors.Join(err, tcp.Close(), unix.Close())
	}
	if security != nil {
		tcp = tls.NewListener(tcp, security)
	}
	l.serve(cfg, tcp)
	l.serve(cfg, unix)
	return l, nil
}

// Address is the TCP address that is listened on, with the port that was chosen.
func (l *Listeners) Address() string { return l.address }

// Failed yields an error when a door broke.
func (l *Listeners) Failed() <-chan error { return l.failed }

func (l *Listeners) serve(cfg Config, on net.Listener) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true) // gRPC on loopback and on the socket
	server := &http.Server{
		Handler: cfg.Handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		Protocols: protocols, ConnContext: cfg.ConnContext, ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	l.servers, l.doors = append(l.servers, server), append(l.doors, on)
	go func() { // ends when Stop closes the listener
		if err := server.Serve(on); !errors.Is(err, http.ErrServerClosed) {
			l.failed <- err
		}
	}()
}

// Stop takes no new requests and waits for running ones until ctx ends; then it cuts them off.
func (l *Listeners) Stop(ctx context.Context) error {
	var faults []error
	for _, s := range l.servers {
		if err := s.Shutdown(ctx); err != nil {
			faults = append(faults, fmt.Errorf("drain: %w", err), s.Close())
		}
	}
	for _, door := range l.doors {
		// A server that was stopped before it began to serve has not closed its door.
		if err := door.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			faults = append(faults, fmt.Errorf("close: %w", err))
		}
	}
	return errors.Join(faults...)
}

// listenUnix opens the socket for this user only. A socket that a killed process left behind is replaced; one that
// somebody answers on is not.
func listenUnix(path string) (net.Listener, error) {
	if conn, err := net.Dial("unix", path); err == nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: another server answers there", path), conn.Close())
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	on, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, err), on.Close())
	}
	return on, nil
}

func (c Config) tls() (*tls.Config, error) {
	if c.CertFile == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("load certificate: %w", err)
	}
	out := &tls.Config{
		MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair},
		ClientAuth: tls.RequestClientCert, NextProtos: []string{"h2", "http/1.1"},
	}
	if c.ClientCAFile != "" {
		pem, err := os.ReadFile(c.ClientCAFile)
		if err != nil {
			return nil, fmt.Errorf("load client authorities: %w", err)
		}
		out.ClientCAs = x509.NewCertPool()
		if !out.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("load client authorities: the file holds no PEM certificate")
		}
		out.ClientAuth = tls.VerifyClientCertIfGiven
	}
	return out, nil
}

// Health is what the process says of itself to anybody who asks.
type Health struct {
	// Missing is why nothing can be taken or answered; nil when all can. It may name hosts, so nobody is shown it.
	Missing error
	// Notes are what someone must act on, though the process works. They name no host, no file and no person.
	Notes []Note
}

// Note is one line: what it is about in a word, and a sentence.
type Note struct{ About, Text string }

// write adds the notes to an answer, one a line, as "about: text".
func (h Health) write(first string) string {
	for _, n := range h.Notes {
		first += "\n" + n.About + ": " + n.Text
	}
	return first + "\n"
}

// Operations adds /healthz (the process lives), /readyz (it can take and answer) and /metrics to routes.
func Operations(routes *http.ServeMux, metrics *prometheus.Registry, health func(ctx context.Context) Health) {
	routes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n"))
	})
	routes.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		h := health(ctx)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if h.Missing != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(h.write("not ready")))
			return
		}
		_, _ = w.Write([]byte(h.write("ready")))
	})
	exposition := promhttp.HandlerFor(metrics, promhttp.HandlerOpts{Registry: metrics})
	routes.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if !proto.CallerFrom(r.Context()).MayLook() {
			// A source must not learn how the others are doing, nor must somebody who is only asked.
			http.Error(w, "metrics are for people and monitoring: send an API token", http.StatusForbidden)
			return
		}
		exposition.ServeHTTP(w, r)
	})
}

// awaitEvery is how often Await asks again: a start takes about a second.
const awaitEvery = 50 * time.Millisecond

// Await asks until ready finds nothing missing. The error is ctx's.
func Await(ctx context.Context, ready func(ctx context.Context) error) error {
	for ready(ctx) != nil {
		select {
		case <-time.After(awaitEvery):
		case <-ctx.Done():
			return fmt.Errorf("wait until ready: %w", ctx.Err())
		}
	}
	return nil
}

// readyTimeout is below the five seconds that probes usually wait.
const readyTimeout = 3 * time.Second
