package store

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// unixScheme is the embedded engine's: the HTTP interface on a unix socket, whose path is the parameter "socket".
const unixScheme = "http+unix"

// errDSN stands for every fault of a DSN: the library's own messages may quote the password.
var errDSN = errors.New("not a valid clickhouse://, http(s):// or http+unix:// address")

// options turns the DSN into the client's options.
func (c Config) options() (*clickhouse.Options, error) {
	scheme, _, ok := strings.Cut(c.DSN, "://")
	if !ok {
		return nil, errDSN
	}
	var (
		opts *clickhouse.Options
		err  error
	)
	switch scheme {
	case unixScheme:
		opts, err = unixOptions(c.DSN)
	case "https":
		opts, err = clickhouse.ParseDSN(withSecure(c.DSN))
	case "http", "clickhouse":
		opts, err = clickhouse.ParseDSN(c.DSN)
	default:
		return nil, errDSN
	}
	if err != nil {
		return nil, errDSN
	}
	if c.Database != "" {
		opts.Auth.Database = c.Database
	}
	if opts.Auth.Database == "" {
		opts.Auth.Database = "default"
	}
	if opts.Compression == nil && scheme != unixScheme {
		opts.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	wrap := opts.TransportFunc
	opts.TransportFunc = func(t *http.Transport) (http.RoundTripper, error) {
		if scheme == unixScheme {
			t.Proxy = nil
		}
		if wrap != nil {
			return wrap(t)
		}
		return &meter{next: t}, nil
	}
	return opts, nil
}

// withSecure adds the parameter that clickhouse-go wants beside https.
func withSecure(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	q := u.Query()
	if !q.Has("secure") {
		q.Set("secure", "true")
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func unixOptions(dsn string) (*clickhouse.Options, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, errDSN
	}
	socket := u.Query().Get("socket")
	if socket == "" {
		return nil, errDSN
	}
	password, _ := u.User.Password()
	return &clickhouse.Options{
		Protocol: clickhouse.HTTP,
		Addr:     []string{"engine"},
		Auth:     clickhouse.Auth{Database: strings.TrimPrefix(u.Path, "/"), Username: u.User.Username(), Password: password},
		DialContext: func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		},
	}, nil
}
