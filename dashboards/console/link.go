package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// maxLinks bounds links that wait to be used; beyond it the oldest ends.
const maxLinks = 100

// link is a one-time link that waits.
type link struct {
	sum    digest
	caller proto.Caller
	until  time.Time
}

// links make sessions without an identity provider: who can ask the local socket is a user that the operating system
// vouches for, and the secret carries that into a browser. It works once.
type links struct {
	valid time.Duration
	now   func() time.Time

	mu      sync.Mutex
	waiting []link // oldest first; under mu
}

// mint returns a secret that signs the caller in, once.
func (l *links) mint(caller proto.Caller) (secret string, until time.Time, err error) {
	secret, sum, err := newSecret()
	if err != nil {
		return "", time.Time{}, err
	}
	until = l.now().Add(l.valid)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, link{sum, caller, until})
	if n := len(l.waiting) - maxLinks; n > 0 {
		l.waiting = slices.Delete(l.waiting, 0, n)
	}
	return secret, until, nil
}

// use spends a secret.
func (l *links) use(secret string) (identity, bool) {
	if len(secret) > maxSecret {
		return identity{}, false
	}
	sum, now := digestOf(secret), l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	// Digests of random secrets: how long a comparison takes tells nothing about them.
	at := slices.IndexFunc(l.waiting, func(x link) bool { return x.sum == sum })
	if at < 0 {
		return identity{}, false
	}
	found := l.waiting[at]
	l.waiting = slices.Delete(l.waiting, at, at+1)
	return identity{caller: found.caller, way: "link"}, now.Before(found.until)
}

// signIn is the Connect face of links.
type signIn struct{ c *Console }

var _ readtrailv1connect.SignInServiceHandler = signIn{}

// SignInHandler returns the path prefix and the handler of readtrail.v1.SignInService. The listener puts the caller into
// the context before it; only users of this machine on the local socket get a link.
func (c *Console) SignInHandler(options ...connect.HandlerOption) (string, http.Handler) {
	options = append([]connect.HandlerOption{connect.WithReadMaxBytes(maxForm)}, options...)
	return readtrailv1connect.NewSignInServiceHandler(signIn{c}, options...)
}

// roles, least first.
var roles = proto.Roles()

// CreateLink makes a link for the operating system's user who asks.
func (s signIn) CreateLink(ctx context.Context, req *connect.Request[v1.CreateLinkRequest]) (*connect.Response[v1.CreateLinkResponse], error) {
	caller := proto.CallerFrom(ctx)
	base, _ := s.c.base.Load().(string)
	switch role := req.Msg.Role; {
	case !caller.Local || caller.Role == "":
		return nil, connect.NewError(connect.CodePermissionDenied, errors.New("links are made for users of the server's own machine, over its local socket"))
	case s.c.links.valid == 0 || s.c.cfg.Disabled:
		return nil, connect.NewError(connect.CodeFailedPrecondition, errors.New("this server makes no links: see console.enabled and console.link_valid"))
	case base == "":
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("the listener is not open yet: ask again in a moment"))
	case role != "" && !slices.Contains(roles, role):
		return nil, connect.NewError(connect.CodeInvalidArgument, fmt.Errorf("role: want one of %v", roles))
	case role != "" && slices.Index(roles, role) > slices.Index(roles, caller.Role):
		return nil, connect.NewError(connect.CodePermissionDenied, errors.New("role: more than your own"))
	case role != "":
		caller.Role = role
	}
	secret, until, err := s.c.links.mint(caller)
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	return connect.NewResponse(&v1.CreateLinkResponse{
		Url: base + "/sign-in#" + secret, ExpiresUs: until.UnixMicro(), Role: caller.Role,
	}), nil
}
