package console

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/readtrail/readtrail/proto"
)

const (
	// providerTimeout bounds each request to the identity provider: it answers in a fraction of a second, or is down.
	providerTimeout = 10 * time.Second
	// errandValid is how long somebody may take at the provider: a password, a second factor, a look for the telephone.
	errandValid = 10 * time.Minute
	// maxName bounds the name by which an asker goes into the journal, in characters.
	maxName = 200
)

// Provider is an OpenID Connect identity provider: authorization code flow with PKCE, state and nonce.
type Provider struct {
	// Issuer is its URL; "" for none.
	Issuer string
	// ClientID is what the provider calls this console; ClientSecret may be empty for a public client.
	ClientID, ClientSecret string
	// Scopes are asked for besides "openid".
	Scopes []string
	// NameClaim names the asker in the journal. It has to be unique and stable there. Default "sub".
	NameClaim string
	// ReaderClaim says which reader of records somebody is, within ReaderSystem. Default: none does.
	ReaderClaim, ReaderSystem string
	// RoleClaim holds a string or a list of strings. Default "roles".
	RoleClaim string
	// Roles maps each role to the values of the claim that give it. Of several the highest counts; without one, nobody is
	// let in.
	Roles map[string][]string
	// SiteClaim and DepartmentClaim hold, as a string or a list of strings, the sites and departments that somebody may see accesses of;
	// Everywhere is the value that stands for all of them. With a claim named here, who has none of its values sees nothing. Default:
	// the provider limits nobody.
	SiteClaim, DepartmentClaim, Everywhere string
	// HTTP reaches the provider. Default: a client with a timeout.
	HTTP *http.Client
}

func (p Provider) validate() error {
	var faults []error
	if p.Issuer == "" {
		return nil
	}
	if p.ClientID == "" {
		faults = append(faults, errors.New("console: the provider's client id is required"))
	}
	if len(p.Roles) == 0 {
		faults = append(faults, errors.New("console: without a role for any value of the claim nobody could sign in"))
	}
	for role := range p.Roles {
		if !slices.Contains(roles, role) {
			faults = append(faults, fmt.Errorf("console: %s is no role", role))
		}
	}
	return errors.Join(faults...)
}

func (p Provider) withDefaults() Provider {
	if p.NameClaim == "" {
		p.NameClaim = "sub"
	}
	if p.RoleClaim == "" {
		p.RoleClaim = "roles"
	}
	if p.HTTP == nil {
		p.HTTP = &http.Client{Timeout: providerTimeout}
	}
	return p
}

// errand is what a browser that was sent to the provider has to bring back: sealed in its own cookie, so that nobody can
// fill this server's memory with errands, and nobody else's answer fits.
type errand struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Until    time.Time `json:"u"`
}

// provider signs people in by way of the identity provider.
type provider struct {
	cfg  Provider
	seal *sealer
	now  func() time.Time

	mu    sync.Mutex
	found *oidc.Provider // under mu; nil until the provider has answered
}

// discover asks the provider about itself, once it answers; until then each attempt asks anew, so that a provider that
// was down when Readtrail started is no reason to restart it.
func (p *provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.cfg.HTTP), providerTimeout)
	defer cancel()
	found, err := oidc.NewProvider(ctx, p.cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("discover the identity provider: %w", err)
	}
	p.found = found
	return found, nil
}

func (p *provider) oauth(found *oidc.Provider, base string) *oauth2.Config {
	endpoint := found.Endpoint()
	endpoint.AuthStyle = p.style(found)
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: endpoint, RedirectURL: base + "/sign-in/callback",
		Scopes: append([]string{oidc.ScopeOpenID}, p.cfg.Scopes...),
	}
}

// style says how the client proves itself. Trying both, as oauth2 does by default, would spend a code twice.
func (p *provider) style(found *oidc.Provider) oauth2.AuthStyle {
	var says struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	_ = found.Claims(&says) // absent: client_secret_basic (OpenID Connect Discovery 1.0, section 3)
	post := slices.Contains(says.Methods, "client_secret_post") && !slices.Contains(says.Methods, "client_secret_basic")
	if p.cfg.ClientSecret == "" || post {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

var errProviderDown = refusal{http.StatusServiceUnavailable, "The identity provider does not answer", "Try again in a moment; the server's log says more."}

// sendToProvider sends a browser to the provider, with an errand.
func (c *Console) sendToProvider(v *visit) error {
	base, _ := c.base.Load().(string)
	if c.provider == nil || base == "" {
		return refusal{http.StatusNotFound, "This console has no identity provider", "See console.oidc in the configuration."}
	}
	found, err := c.provider.discover(v.r.Context())
	if err != nil {
		c.log.ErrorContext(v.r.Context(), "identity provider not reachable", slog.Any("err", err))
		return errProviderDown
	}
	state, _, err := newSecret()
	if err != nil {
		return err
	}
	nonce, _, err := newSecret()
	if err != nil {
		return err
	}
	e := errand{State: state, Nonce: nonce, Verifier: oauth2.GenerateVerifier(), Until: v.now.Add(errandValid)}
	sealed, err := c.provider.seal.close(e)
	if err != nil {
		return err
	}
	c.setErrand(v, sealed)
	to := c.provider.oauth(found, base).AuthCodeURL(e.State, oidc.Nonce(e.Nonce), oauth2.S256ChallengeOption(e.Verifier))
	v.status = http.StatusSeeOther
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// setErrand sets the errand's cookie. It is Lax, not Strict: it has to come back from the provider's site.
func (c *Console) setErrand(v *visit, sealed string) {
	cookie := &http.Cookie{ //nolint:gosec // Secure whenever there is TLS; on loopback there is none
		Name: c.cookieName(v.r) + "-errand", Value: sealed, Path: "/", HttpOnly: true, Secure: c.cfg.Secure, SameSite: http.SameSiteLaxMode,
		MaxAge: int(errandValid.Seconds()),
	}
	if sealed == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(v.w, cookie)
}

// backFromProvider takes the provider's answer.
func (c *Console) backFromProvider(v *visit) error {
	if c.provider == nil {
		return errNoView
	}
	c.setErrand(v, "") // an errand is run once
	who, err := c.provider.redeem(v.r, c.errandOf(v.r), c.base.Load())
	if err != nil {
		c.metrics.signIns.WithLabelValues("provider", "refused").Inc()
		why, known := errors.AsType[refusal](err)
		if !known {
			c.log.WarnContext(v.r.Context(), "sign-in refused", slog.String("way", "provider"), slog.Any("err", err))
			why = refusal{http.StatusForbidden, "Signing in did not work", "Begin again; the server's log says more."}
		}
		return why
	}
	path, err := c.begin(v, who)
	if err != nil {
		return err
	}
	// The browser comes from the provider's site: a redirect would arrive without the new cookie, a page of ours does not.
	return v.render(http.StatusOK, "again", againPage{Path: path})
}

func (c *Console) errandOf(r *http.Request) string {
	cookie, err := r.Cookie(c.cookieName(r) + "-errand")
	if err != nil {
		return ""
	}
	return cookie.Value
}

var errNoErrand = refusal{http.StatusForbidden, "This is not the answer to a question of this browser", "Begin again: signing in has to begin and end in one browser, within ten minutes."}

// redeem exchanges the code for an identity. Errors that are no refusal are for the log: they name no person.
func (p *provider) redeem(r *http.Request, sealed string, base any) (identity, error) {
	var e errand
	q := r.URL.Query()
	if !p.seal.open(sealed, &e) || !p.now().Before(e.Until) || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(e.State)) != 1 {
		return identity{}, errNoErrand
	}
	if q.Get("code") == "" { // what the provider says of it is not shown: anybody can write it into a link
		return identity{}, refusal{http.StatusForbidden, "The identity provider did not let you in", "Begin again, or ask whoever runs it."}
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), p.cfg.HTTP), providerTimeout)
	defer cancel()
	found, err := p.discover(ctx)
	if err != nil {
		return identity{}, err
	}
	address, _ := base.(string)
	token, err := p.oauth(found, address).Exchange(ctx, q.Get("code"), oauth2.VerifierOption(e.Verifier))
	if err != nil {
		if said, ok := errors.AsType[*oauth2.RetrieveError](err); ok { // its text holds the provider's whole response
			return identity{}, fmt.Errorf("exchange the code: the provider says %q", said.ErrorCode)
		}
		return identity{}, fmt.Errorf("exchange the code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	verified, err := found.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return identity{}, fmt.Errorf("verify the id token: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(verified.Nonce), []byte(e.Nonce)) != 1 {
		return identity{}, errors.New("verify the id token: its nonce is of another sign-in")
	}
	var claims map[string]any
	if err := verified.Claims(&claims); err != nil {
		return identity{}, fmt.Errorf("read the id token: %w", err)
	}
	return p.identify(claims)
}

// reader is which reader of records somebody is, as far as the provider states it.
func (p *provider) reader(claims map[string]any) proto.ReaderID {
	value, _ := claims[p.cfg.ReaderClaim].(string)
	if p.cfg.ReaderClaim == "" || value == "" {
		return proto.ReaderID{}
	}
	return proto.NewReaderID(p.cfg.ReaderSystem, value)
}

// textsOf are the texts of a claim: a string, or a list of strings.
func textsOf(claim any) (values []string) {
	switch stated := claim.(type) {
	case string:
		return []string{stated}
	case []any:
		for _, x := range stated {
			if text, ok := x.(string); ok {
				values = append(values, text)
			}
		}
	}
	return values
}

// limits are the sites and departments that the provider states for somebody. A claim that is asked for and says nothing leaves nothing.
func (p *provider) limits(claims map[string]any) (l proto.Limits) {
	for _, one := range []struct {
		claim string
		into  *[]string
	}{{p.cfg.SiteClaim, &l.Sites}, {p.cfg.DepartmentClaim, &l.Departments}} {
		if one.claim == "" {
			continue
		}
		var named []string
		everywhere := false
		for _, value := range textsOf(claims[one.claim]) {
			value = strings.TrimSpace(value)
			everywhere = everywhere || value != "" && value == p.cfg.Everywhere
			if value != "" {
				named = append(named, value)
			}
		}
		switch {
		case everywhere:
		case len(named) == 0:
			return proto.Limits{Nothing: true}
		default:
			*one.into = named
		}
	}
	return l
}

// identify makes an identity of what the provider states.
func (p *provider) identify(claims map[string]any) (identity, error) {
	name, _ := claims[p.cfg.NameClaim].(string)
	if !proto.VisibleName(name) || utf8.RuneCountInString(name) > maxName {
		return identity{}, fmt.Errorf("read the id token: the claim %s is no name of up to %d visible characters", p.cfg.NameClaim, maxName)
	}
	values := textsOf(claims[p.cfg.RoleClaim])
	for _, role := range slices.Backward(roles) {
		if slices.ContainsFunc(p.cfg.Roles[role], func(value string) bool { return slices.Contains(values, value) }) {
			limits := p.limits(claims)
			return identity{caller: proto.Caller{
				Name: "oidc:" + name, Role: role, Reader: p.reader(claims), Limits: limits,
				Unlimited: p.cfg.SiteClaim+p.cfg.DepartmentClaim != "" && !limits.Limited(),
			}, way: "provider"}, nil
		}
	}
	return identity{}, refusal{http.StatusForbidden, "You have no role here", "You are known to the identity provider, which gives you none of the roles of this console. An administrator of the provider can."}
}
