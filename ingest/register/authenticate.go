package register

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/readtrail/readtrail/proto"
)

// refusal is why a request is not let in. The text goes to the caller and into the log: it names no secret and no path.
type refusal struct {
	status int
	reason string
	text   string
}

var (
	noCredential    = refusal{http.StatusUnauthorized, "no_credential", "authentication is required: send a bearer token or a client certificate"}
	wrongCredential = refusal{http.StatusUnauthorized, "wrong_credential", "the credential is unknown, expired, revoked or disabled"}
	wrongPeer       = refusal{http.StatusForbidden, "wrong_peer", "this socket is for the user that runs the server"}
	tooManyFailures = refusal{http.StatusTooManyRequests, "too_many_failures", "too many failed attempts"}
	notReady        = refusal{http.StatusServiceUnavailable, "not_ready", "the register is still reading the journal"}
)

// Authenticate lets a request through once it is known who sends it, and puts the proto.Caller into its context:
// a person by API token; a source by bearer credential or pinned client certificate; the user that runs the server,
// or root, on a unix socket. Everything else, paths that do not exist included, is refused with 401. What a caller may
// do is for the handlers to say; see RequireSource, RequireAsker and RequireCommander.
//
// A credential that is sent decides: when it is wrong, a good certificate or socket beside it does not help. A
// credential that is right is always let in; throttling meets only failed attempts, so that nobody behind a shared
// address can keep a source out.
func (r *Register) Authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if slices.Contains(r.cfg.Public, req.URL.Path) {
			next.ServeHTTP(w, req)
			return
		}
		if !r.isReady() {
			r.refuse(w, req, notReady)
			return
		}
		caller, refused := r.identify(req)
		if refused != nil {
			r.refuse(w, req, *refused)
			return
		}
		r.metrics.authentications.WithLabelValues("accepted").Inc()
		next.ServeHTTP(w, req.WithContext(proto.WithCaller(req.Context(), caller)))
	})
}

func (r *Register) identify(req *http.Request) (proto.Caller, *refusal) {
	if header := req.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return proto.Caller{}, &wrongCredential
		}
		return r.byBearer(strings.TrimSpace(token))
	}
	if req.TLS != nil && len(req.TLS.PeerCertificates) > 0 {
		return r.byPeerCertificate(req.TLS.PeerCertificates[0])
	}
	if p, ok := req.Context().Value(peerKey{}).(peer); ok {
		return p.caller()
	}
	return proto.Caller{}, &noCredential
}

func (r *Register) byBearer(token string) (proto.Caller, *refusal) {
	if caller, ok := r.Token(token); ok {
		return caller, nil
	}
	if source, ok := r.ByCredential(token); ok {
		return sourceCaller(source.Name), nil
	}
	return proto.Caller{}, &wrongCredential
}

// byPeerCertificate trusts a certificate by its fingerprint: the handshake has proven that the peer holds its key, and
// an administrator registered it. Who signed it does not matter; that it has expired does.
func (r *Register) byPeerCertificate(certificate *x509.Certificate) (proto.Caller, *refusal) {
	now := r.cfg.Now()
	source, ok := r.ByCertificate(sha256.Sum256(certificate.Raw))
	if !ok || now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return proto.Caller{}, &wrongCredential
	}
	return sourceCaller(source.Name), nil
}

func sourceCaller(name string) proto.Caller {
	return proto.Caller{Name: "source:" + name, Source: name}
}

func (r *Register) refuse(w http.ResponseWriter, req *http.Request, why refusal) {
	if why.status == http.StatusUnauthorized || why.status == http.StatusForbidden {
		address := remoteHost(req)
		if !r.throttle.fail(address, r.cfg.Now()) {
			why = tooManyFailures
		} else if why.reason != noCredential.reason {
			r.log.WarnContext(req.Context(), "request refused", slog.String("reason", why.reason), slog.String("remote_address", address))
		}
	}
	r.metrics.authentications.WithLabelValues(why.reason).Inc()
	switch why.status {
	case http.StatusUnauthorized:
		challenge := `Bearer realm="readtrail"`
		if why.reason == wrongCredential.reason {
			challenge += `, error="invalid_token"`
		}
		w.Header().Set("WWW-Authenticate", challenge)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", strconv.Itoa(int(throttleRefill.Seconds())))
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	http.Error(w, why.text, why.status)
}

func remoteHost(req *http.Request) string {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		return "unix"
	}
	return host
}

// RequireSource lets sources through, and users of this machine, who may name the source that their input comes from.
func RequireSource(next http.Handler) http.Handler {
	return require(next, "only a registered source may send here", func(c proto.Caller) bool { return c.Source != "" || c.Local })
}

// RequireAsker lets through who may ask questions that name people.
func RequireAsker(next http.Handler) http.Handler {
	return require(next, "this role may not ask questions that name people", proto.Caller.MayAsk)
}

// RequireCommander lets administrators through.
func RequireCommander(next http.Handler) http.Handler {
	return require(next, "only an administrator may do this", proto.Caller.MayCommand)
}

// RequireWhole lets through who is not limited to sites or departments.
func RequireWhole(limited func(proto.Caller) bool, next http.Handler) http.Handler {
	return require(next, "this tells of all sites and departments: ask somebody who is not limited", func(c proto.Caller) bool { return !limited(c) })
}

func require(next http.Handler, otherwise string, may func(proto.Caller) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !may(proto.CallerFrom(req.Context())) {
			http.Error(w, otherwise, http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, req)
	})
}

type peerKey struct{}

// peer is the process at the other end of a unix socket.
type peer struct {
	uid   uint32
	known bool
}

// ConnContext goes into http.Server.ConnContext of the server on the unix socket: it notes the peer's user, which the
// kernel vouches for. For connections of other kinds it does nothing.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	unix, ok := conn.(*net.UnixConn)
	if !ok {
		return ctx
	}
	uid, err := peerUID(unix)
	return context.WithValue(ctx, peerKey{}, peer{uid: uid, known: err == nil})
}

// caller is an administrator on this machine when the peer is who runs the server, or root.
func (p peer) caller() (proto.Caller, *refusal) {
	if !p.known || (p.uid != 0 && int(p.uid) != os.Geteuid()) {
		return proto.Caller{}, &wrongPeer
	}
	id := strconv.FormatUint(uint64(p.uid), 10)
	name := id
	if u, err := user.LookupId(id); err == nil {
		name = u.Username
	}
	return proto.Caller{Name: "os:" + name, Role: proto.RoleAdministrator, Local: true}, nil
}
