package register

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
	"github.com/readtrail/readtrail/proto/readtrail/v1/readtrailv1connect"
)

// Prefixes let secret scanners and people recognise what leaked: a source's credential, a person's token.
const (
	CredentialPrefix = "rts_"
	TokenPrefix      = "rtt_"
)

// secretBytes is 256 bits: nobody guesses it, so its hash needs no salt and no stretching.
const secretBytes = 32

var secretEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// newSecret returns a credential to show once, and its hash to keep.
func newSecret(prefix string) (string, []byte, error) {
	raw := make([]byte, secretBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", nil, fmt.Errorf("make a secret: %w", err)
	}
	secret := prefix + strings.ToLower(secretEncoding.EncodeToString(raw))
	sum := sha256.Sum256([]byte(secret))
	return secret, sum[:], nil
}

// service is the Connect face of a Register.
type service struct{ r *Register }

var _ readtrailv1connect.RegisterServiceHandler = service{}

// maxRequest bounds a command in bytes: a source has a dozen short fields.
const maxRequest = 64 << 10

// Handler returns the path prefix and the handler of readtrail.v1.RegisterService. The caller of each request has to
// be in its context: put Authenticate around it. Only administrators get further.
func (r *Register) Handler(opts ...connect.HandlerOption) (string, http.Handler) {
	opts = append([]connect.HandlerOption{connect.WithReadMaxBytes(maxRequest)}, opts...)
	return readtrailv1connect.NewRegisterServiceHandler(service{r}, opts...)
}

// commander returns who gives the command, or the refusal.
func (s service) commander(ctx context.Context) (proto.Caller, error) {
	caller := proto.CallerFrom(ctx)
	switch {
	case caller.Name == "":
		return caller, connect.NewError(connect.CodeUnauthenticated, errors.New("who is asking is not known: send a token"))
	case !caller.MayCommand():
		return caller, connect.NewError(connect.CodePermissionDenied, errors.New("only an administrator may do this"))
	case !s.r.isReady():
		return caller, connect.NewError(connect.CodeUnavailable, ErrNotReady)
	}
	return caller, nil
}

// RegisterSource registers a source or replaces what is registered under its name; the credential stays unless a new
// one is asked for, and a new one ends the old at once.
func (s service) RegisterSource(ctx context.Context, req *connect.Request[v1.RegisterSourceRequest]) (*connect.Response[v1.RegisterSourceResponse], error) {
	caller, err := s.commander(ctx)
	if err != nil {
		return nil, err
	}
	s.r.commands.Lock()
	defer s.r.commands.Unlock()
	if req.Msg.Source == nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, errors.New("source is missing"))
	}
	entry, known, err := s.r.merged(req.Msg)
	if err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	newCredential := req.Msg.NewCredential || len(req.Msg.Fields) > 0 && !known && len(entry.CertificateSha256) == 0
	if err := s.r.validateSource(entry, newCredential); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	entry.Asker = caller.Name
	entry.CredentialSha256 = s.r.credentialOf(entry.Name)
	var credential string
	if newCredential {
		if credential, entry.CredentialSha256, err = newSecret(CredentialPrefix); err != nil {
			return nil, connect.NewError(connect.CodeInternal, err)
		}
	}
	position, err := s.r.journal(ctx, &v1.Item{Body: &v1.Item_Source{Source: entry}}, entry.Name)
	if err != nil {
		return nil, commandError(err)
	}
	s.r.log.InfoContext(ctx, "source registered", slog.String("source", entry.Name),
		slog.Bool("new_credential", newCredential), slog.Bool("disabled", entry.Disabled))
	return connect.NewResponse(&v1.RegisterSourceResponse{
		Source: withoutCredential(entry), Credential: credential, Position: uint64(position),
	}), nil
}

// merged lays the fields that a request means over what is registered. The register itself is read, under the lock of
// commands, so that no change is lost to a read model that lags.
func (r *Register) merged(req *v1.RegisterSourceRequest) (entry *v1.SourceRegistered, known bool, err error) {
	r.mu.RLock()
	old, known := r.fold.sources[req.Source.Name]
	r.mu.RUnlock()
	if len(req.Fields) == 0 {
		return clone(req.Source), known, nil
	}
	entry = &v1.SourceRegistered{
		Name: req.Source.Name, TimeZone: zoneName(r.cfg.Zone), IdentityPolicy: v1.IdentityPolicy_IDENTITY_POLICY_CONTENT,
	}
	if known {
		entry = withoutCredential(old.entry)
	}
	from, to := req.Source.ProtoReflect(), entry.ProtoReflect()
	for _, name := range req.Fields {
		field := from.Descriptor().Fields().ByName(protoreflect.Name(name))
		if field == nil {
			return nil, known, fmt.Errorf("fields: a source has no %q", name)
		}
		if from.Has(field) {
			to.Set(field, from.Get(field))
		} else {
			to.Clear(field)
		}
	}
	return entry, known, nil
}

func (r *Register) credentialOf(name string) []byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if s, ok := r.fold.sources[name]; ok {
		return s.entry.CredentialSha256
	}
	return nil
}

// commandError maps what the journal said to what the caller should do.
func commandError(err error) error {
	switch {
	case errors.Is(err, ingest.ErrBusy), errors.Is(err, ingest.ErrClosed):
		return connect.NewError(connect.CodeUnavailable, err)
	case errors.Is(err, context.DeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, err)
	case errors.Is(err, context.Canceled):
		return connect.NewError(connect.CodeCanceled, err)
	}
	return connect.NewError(connect.CodeInternal, err)
}

// CreateToken makes an API token. The token is in the response and nowhere else.
func (s service) CreateToken(ctx context.Context, req *connect.Request[v1.CreateTokenRequest]) (*connect.Response[v1.CreateTokenResponse], error) {
	caller, err := s.commander(ctx)
	if err != nil {
		return nil, err
	}
	if s.r.cfg.Limited != nil && s.r.cfg.Limited(caller) {
		return nil, connect.NewError(connect.CodePermissionDenied, errors.New("you are limited to sites or departments, and a token would not be: ask somebody who is not limited"))
	}
	s.r.commands.Lock()
	defer s.r.commands.Unlock()
	now := s.r.cfg.Now()
	entry := &v1.TokenRegistered{Name: req.Msg.Name, Role: req.Msg.Role, ExpiresUs: req.Msg.ExpiresUs, Asker: caller.Name}
	if entry.ExpiresUs == 0 {
		entry.ExpiresUs = now.Add(s.r.cfg.TokenLifetime).UnixMicro()
	}
	if err := s.r.validateToken(entry, now); err != nil {
		return nil, connect.NewError(connect.CodeInvalidArgument, err)
	}
	id, err := proto.MintEventID(now)
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	entry.TokenId = id.String()
	token, sum, err := newSecret(TokenPrefix)
	if err != nil {
		return nil, connect.NewError(connect.CodeInternal, err)
	}
	entry.Sha256 = sum
	if _, err := s.r.journal(ctx, &v1.Item{Body: &v1.Item_Token{Token: entry}}, ""); err != nil {
		return nil, commandError(err)
	}
	s.r.log.InfoContext(ctx, "token created", slog.String("token_id", entry.TokenId), slog.String("role", entry.Role))
	return connect.NewResponse(&v1.CreateTokenResponse{TokenId: entry.TokenId, Token: token, ExpiresUs: entry.ExpiresUs}), nil
}

// RevokeToken ends a token. To revoke one again changes nothing and is no error.
func (s service) RevokeToken(ctx context.Context, req *connect.Request[v1.RevokeTokenRequest]) (*connect.Response[v1.RevokeTokenResponse], error) {
	caller, err := s.commander(ctx)
	if err != nil {
		return nil, err
	}
	s.r.commands.Lock()
	defer s.r.commands.Unlock()
	s.r.mu.RLock()
	old, ok := s.r.fold.tokens[req.Msg.TokenId]
	s.r.mu.RUnlock()
	switch {
	case !ok:
		return nil, connect.NewError(connect.CodeNotFound, errors.New("no token has this id"))
	case old.Revoked:
		return connect.NewResponse(&v1.RevokeTokenResponse{}), nil
	}
	entry := clone(old)
	entry.Revoked, entry.Asker = true, caller.Name
	if _, err := s.r.journal(ctx, &v1.Item{Body: &v1.Item_Token{Token: entry}}, ""); err != nil {
		return nil, commandError(err)
	}
	s.r.log.InfoContext(ctx, "token revoked", slog.String("token_id", entry.TokenId))
	return connect.NewResponse(&v1.RevokeTokenResponse{}), nil
}

// ListTokens lists all tokens, those that are over too, without their hashes.
func (s service) ListTokens(ctx context.Context, _ *connect.Request[v1.ListTokensRequest]) (*connect.Response[v1.ListTokensResponse], error) {
	if _, err := s.commander(ctx); err != nil {
		return nil, err
	}
	return connect.NewResponse(&v1.ListTokensResponse{Tokens: s.r.Tokens()}), nil
}
