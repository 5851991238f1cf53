// Package cli is Readtrail at a terminal: one verb per question, as a table for people and as JSON or CSV for programs.
// Every verb asks the same API that the console asks, so nobody looks unseen from a shell either.
package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// dialTimeout is short: a local server answers at once or is not there.
const dialTimeout = 5 * time.Second

// writeBuffer holds what an upload hands over at a time, 32 KB, and the frame around it: one write in place of three.
const writeBuffer = 64 << 10

// localBase stands for the local socket in URLs.
const localBase = "http://readtrail.local"

// Target is which server is asked, and as whom.
type Target struct {
	Server    string `help:"Server to ask: a socket path, unix:///path or https://host:port. Default: the socket in the data directory." env:"READTRAIL_SERVER" placeholder:"URL"`
	TokenFile string `help:"File that holds the API token; not needed on the local socket." env:"READTRAIL_TOKEN_FILE" placeholder:"FILE" type:"path"`
	CAFile    string `help:"Certificate authorities to trust instead of the system's (PEM)." name:"ca-file" env:"READTRAIL_CA_FILE" placeholder:"FILE" type:"path"`
	// Reason breaks the glass before the question is asked.
	Reason string `help:"Break the glass: be answered beyond your role and limits. Say why in words; it is journaled and reviewed." name:"break-the-glass" placeholder:"REASON"`
}

// Connection is an HTTP client bound to one server.
type Connection struct {
	HTTP *http.Client
	Base string
	// Aside takes what an answer rests on (position, coverage, gaps) when the answer's form has no place for it: CSV. Default:
	// nowhere.
	Aside io.Writer
}

func (c *Connection) aside() io.Writer {
	if c.Aside == nil {
		return io.Discard
	}
	return c.Aside
}

// Open prepares a connection; it does not dial yet. defaultSocket is used when no server was named.
func (t Target) Open(defaultSocket string) (*Connection, error) {
	server := t.Server
	if server == "" {
		server = defaultSocket
	}
	transport := &http.Transport{ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 8, WriteBufferSize: writeBuffer}
	base := strings.TrimSuffix(server, "/")
	switch {
	case strings.HasPrefix(server, "https://"), strings.HasPrefix(server, "http://"):
		pool, err := t.authorities()
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		if strings.HasPrefix(server, "http://") && !isLoopback(server) {
			return nil, errors.New("open connection: beyond this machine a server is asked over https:// only")
		}
	default:
		path := strings.TrimPrefix(server, "unix://")
		base = localBase
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
		}
	}
	token, err := t.token()
	if err != nil {
		return nil, err
	}
	return &Connection{HTTP: &http.Client{Transport: bearer{token: token, next: transport}}, Base: base}, nil
}

func (t Target) token() (string, error) {
	if t.TokenFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(t.TokenFile)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (t Target) authorities() (*x509.CertPool, error) {
	if t.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("read certificate authorities: the file holds no PEM certificate")
	}
	return pool, nil
}

func isLoopback(server string) bool {
	host := strings.TrimPrefix(server, "http://")
	if h, _, err := net.SplitHostPort(strings.SplitN(host, "/", 2)[0]); err == nil {
		host = h
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// bearer adds the token, if there is one, to each request.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.next.RoundTrip(r) //nolint:wrapcheck // a transport returns what it was given
}

func (c *Connection) questions() readtrailv1connect.QueryServiceClient {
	return readtrailv1connect.NewQueryServiceClient(c.HTTP, c.Base)
}

func (c *Connection) alerts() readtrailv1connect.AlertServiceClient {
	return readtrailv1connect.NewAlertServiceClient(c.HTTP, c.Base)
}

func (c *Connection) casework() readtrailv1connect.CaseworkServiceClient {
	return readtrailv1connect.NewCaseworkServiceClient(c.HTTP, c.Base)
}

func (c *Connection) cases() readtrailv1connect.CaseServiceClient {
	return readtrailv1connect.NewCaseServiceClient(c.HTTP, c.Base)
}

// Explain turns an error into words for a person: what went wrong and what to do.
func Explain(err error) string {
	var opErr *net.OpError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &opErr) && opErr.Op == "dial":
		return "no server answers at " + opErr.Addr.String() + "\n  Start one with `readtrail up`, or name another with --server."
	}
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return err.Error()
	}
	if errors.As(failed.Unwrap(), &opErr) && opErr.Op == "dial" {
		return Explain(opErr)
	}
	switch failed.Code() {
	case connect.CodeUnauthenticated:
		return "the server does not know who asks: " + failed.Message() + "\n  Give a token with --token-file, or ask on the local socket."
	case connect.CodePermissionDenied:
		return "not allowed: " + failed.Message()
	case connect.CodeUnavailable:
		return "the server cannot answer now: " + failed.Message() + "\n  `readtrail status` tells what it waits for."
	}
	return failed.Message()
}
