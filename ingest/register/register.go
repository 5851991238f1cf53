package register

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/readtrail/readtrail/ingest"
	"github.com/readtrail/readtrail/ingest/register/snapshot"
	"github.com/readtrail/readtrail/proto"
	v1 "github.com/readtrail/readtrail/proto/readtrail/v1"
)

// LocalSource is the built-in source of imports on this machine that name no other. It has no credential.
const LocalSource = "local"

// snapshotVersion counts changes to the snapshot's state; another version is rebuilt from the journal.
const snapshotVersion = 1

// snapshotEvery is how many messages may pass without a change before the position is written again: reading 4,096
// heads again takes well under a second.
const snapshotEvery = 4096

// visibleTimeout bounds how long a command waits for its own entry to come back from the journal: a follower that far
// behind is broken, and the caller should hear of it.
const visibleTimeout = 30 * time.Second

// ErrNotReady says that the register has not read the journal to its end yet: nobody can be told from nobody. The
// caller comes back later (HTTP: 503 with Retry-After).
var ErrNotReady = errors.New("register is still reading the journal")

// Config says where a register reads and writes.
type Config struct {
	// Path is the snapshot file; its directory exists. Empty: no snapshot, every start reads the whole journal.
	Path string
	// Follow calls fn with every batch after from, in order, until ctx ends or fn fails. A batch that was seen before
	// does no harm. Required.
	Follow func(ctx context.Context, from proto.Position, fn func(context.Context, *proto.Batch) error) error
	// Last returns the position of the journal's last entry, 0 when it is empty. Required.
	Last func(ctx context.Context) (proto.Position, error)
	// Append journals commands. Required.
	Append ingest.Appender
	// Zone is the site's time zone, in which the built-in source reads times that carry none. Default UTC.
	Zone *time.Location
	// TokenLifetime is how long a token lives whose request names no end. Default 90 days.
	TokenLifetime time.Duration
	// MaxTokenLifetime is the longest life that a request may ask for. Default 366 days.
	MaxTokenLifetime time.Duration
	// Public are exact paths that need no authentication. Default "/healthz" and "/readyz".
	Public []string
	// Limited reports whether somebody may see accesses of some sites or departments only: they make no tokens, which would see
	// everything. Default: nobody is.
	Limited func(proto.Caller) bool
	// Logger, default none.
	Logger *slog.Logger
	// Registerer of the metrics; nil for none.
	Registerer prometheus.Registerer
	// Now is the clock that tokens and certificates expire by. Default time.Now.
	Now func() time.Time
}

// Validate reports all faults at once.
func (c Config) Validate() error {
	var errs []error
	if c.Follow == nil || c.Last == nil || c.Append == nil {
		errs = append(errs, errors.New("register: Follow, Last and Append are required"))
	}
	if c.TokenLifetime < 0 || c.MaxTokenLifetime < 0 {
		errs = append(errs, errors.New("register: token lifetimes must not be negative"))
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.MaxTokenLifetime == 0 {
		c.MaxTokenLifetime = 366 * 24 * time.Hour
	}
	if c.TokenLifetime == 0 {
		c.TokenLifetime = min(90*24*time.Hour, c.MaxTokenLifetime)
	}
	if c.Public == nil {
		c.Public = []string{"/healthz", "/readyz"}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Register is the sources and the tokens as the journal has them. It is safe for concurrent use.
type Register struct {
	cfg      Config
	log      *slog.Logger
	metrics  *metrics
	throttle *throttle
	ready    chan struct{}

	// commands holds one command at a time: a change reads what it changes, and the journal must not move in between.
	commands sync.Mutex

	// mu guards what follows.
	mu      sync.RWMutex
	fold    *fold
	applied proto.Position
	// moved is closed and replaced whenever applied grows.
	moved chan struct{}
	// saved is the position of the snapshot file. Only Run touches it.
	saved proto.Position
}

// Open reads the snapshot. What stands in the journal after it is read by Run; until then nobody is let in.
func Open(cfg Config) (*Register, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	r := &Register{
		cfg: cfg, log: cfg.Logger.With(slog.String("component", "register")), metrics: newMetrics(cfg.Registerer),
		throttle: newThrottle(), ready: make(chan struct{}), fold: newFold(), moved: make(chan struct{}),
	}
	if cfg.Path == "" {
		return r, nil
	}
	var state foldState
	position, err := snapshot.Read(cfg.Path, snapshotVersion, &state)
	if err == nil && position > 0 {
		r.fold, err = state.fold()
	}
	switch {
	case errors.Is(err, snapshot.ErrUnusable):
		r.log.Warn("register snapshot is unusable, reading the whole journal", slog.Any("err", err))
		r.fold = newFold()
	case err != nil:
		return nil, fmt.Errorf("open register: %w", err)
	default:
		r.applied, r.saved = position, position
	}
	return r, nil
}

// Run follows the journal until ctx ends or the journal fails, and leaves a snapshot behind. It registers the built-in
// source when the journal has none. The end of ctx is no error. Call it once.
func (r *Register) Run(parent context.Context) error {
	last, err := r.cfg.Last(parent)
	if err != nil {
		return fmt.Errorf("run register: %w", err)
	}
	if r.position().Sequence() > last.Sequence() {
		r.log.WarnContext(parent, "register snapshot is ahead of the journal, reading the whole journal",
			slog.Uint64("snapshot", uint64(r.position())), slog.Uint64("journal", uint64(last)))
		r.reset()
	}
	group, ctx := errgroup.WithContext(parent)
	group.Go(func() error { return r.cfg.Follow(ctx, r.position(), r.apply) })
	group.Go(func() error { return r.becomeReady(ctx, last) })
	err = group.Wait()
	if parent.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	if err = errors.Join(err, r.save()); err != nil {
		return fmt.Errorf("run register: %w", err)
	}
	return nil
}

// becomeReady waits until the register has read what the journal held at the start.
func (r *Register) becomeReady(ctx context.Context, last proto.Position) error {
	if err := r.awaitPosition(ctx, last); err != nil {
		return err
	}
	if _, ok := r.ByName(LocalSource); !ok {
		local := &v1.SourceRegistered{
			Name: LocalSource, Owner: "readtrail", TimeZone: zoneName(r.cfg.Zone),
			IdentityPolicy: v1.IdentityPolicy_IDENTITY_POLICY_CONTENT, Asker: "readtrail",
		}
		if _, err := r.journal(ctx, &v1.Item{Body: &v1.Item_Source{Source: local}}, LocalSource); err != nil {
			return fmt.Errorf("register the built-in source: %w", err)
		}
	}
	close(r.ready)
	r.log.InfoContext(ctx, "register is ready", slog.Int("sources", len(r.List())), slog.Uint64("position", uint64(r.position())))
	return nil
}

// zoneName is the IANA name of a zone; the machine's own "Local" means nothing on another machine.
func zoneName(zone *time.Location) string {
	if name := zone.String(); name != "Local" && name != "" {
		return name
	}
	return "UTC"
}

// Ready is closed once the register has read the journal to where it ended at the start.
func (r *Register) Ready() <-chan struct{} { return r.ready }

func (r *Register) isReady() bool {
	select {
	case <-r.ready:
		return true
	default:
		return false
	}
}

func (r *Register) position() proto.Position {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.applied
}

func (r *Register) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fold, r.applied, r.saved = newFold(), 0, 0
}

// apply folds one batch. The snapshot is written after a change and never before the change is in memory, so a crash
// in between only means reading the batch again.
func (r *Register) apply(ctx context.Context, b *proto.Batch) error {
	if b.Sequence() <= r.position().Sequence() {
		return nil
	}
	var items []*v1.Item
	if b.Has(v1.Kind_KIND_SOURCE, v1.Kind_KIND_TOKEN) {
		var err error
		if items, err = b.Items(); err != nil {
			return fmt.Errorf("apply to register: %w", err)
		}
	}
	r.mu.Lock()
	changed := false
	for _, it := range items {
		changed = r.fold.apply(it) || changed
	}
	r.applied = proto.EndOf(b.Sequence())
	close(r.moved)
	r.moved = make(chan struct{})
	r.mu.Unlock()
	if !changed && b.Sequence()-r.saved.Sequence() < snapshotEvery {
		return nil
	}
	if err := r.save(); err != nil {
		// The snapshot is a cache: the register works without it, only the next start is slower.
		r.log.ErrorContext(ctx, "register snapshot cannot be written", slog.Any("err", err))
	}
	return nil
}

func (r *Register) save() error {
	if r.cfg.Path == "" {
		return nil
	}
	r.mu.RLock()
	state, position := r.fold.state(), r.applied
	r.mu.RUnlock()
	if position == r.saved {
		return nil
	}
	if err := snapshot.Write(r.cfg.Path, snapshotVersion, position, state); err != nil {
		return fmt.Errorf("save register: %w", err)
	}
	r.saved = position
	return nil
}

// awaitPosition returns once everything up to the message of position is in the register.
func (r *Register) awaitPosition(ctx context.Context, position proto.Position) error {
	for {
		r.mu.RLock()
		applied, moved := r.applied, r.moved
		r.mu.RUnlock()
		if applied.Sequence() >= position.Sequence() {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("wait for the register: %w", context.Cause(ctx))
		}
	}
}

// journal appends one entry and returns its position once the register shows it.
func (r *Register) journal(ctx context.Context, item *v1.Item, source string) (proto.Position, error) {
	results, err := r.cfg.Append.Append(ctx, []ingest.Entry{{Item: item, Source: source}}, ingest.Options{Reserved: true})
	if err != nil {
		return 0, fmt.Errorf("journal the command: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, visibleTimeout)
	defer cancel()
	if err := r.awaitPosition(ctx, results[0].Position); err != nil {
		return 0, fmt.Errorf("the command is journaled but not in force yet: %w", err)
	}
	return results[0].Position, nil
}

// ByName returns a source that is registered and not disabled.
func (r *Register) ByName(name string) (ingest.Source, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, ok := r.fold.sources[name]
	if !ok || s.entry.Disabled {
		return ingest.Source{}, false
	}
	return s.source, true
}

// ByCredential returns the source whose bearer credential this is, when it is not disabled.
func (r *Register) ByCredential(token string) (ingest.Source, bool) {
	sum := sha256.Sum256([]byte(token))
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, ok := r.fold.byCredential[sum]
	if !ok || subtle.ConstantTimeCompare(s.entry.CredentialSha256, sum[:]) != 1 || s.entry.Disabled {
		return ingest.Source{}, false
	}
	return s.source, true
}

// ByCertificate returns the source that registered the SHA-256 fingerprint of this client certificate (its DER bytes),
// when it is not disabled.
func (r *Register) ByCertificate(fingerprint [sha256.Size]byte) (ingest.Source, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	s, ok := r.fold.byCertificate[fingerprint]
	if !ok || s.entry.Disabled {
		return ingest.Source{}, false
	}
	return s.source, true
}

// Token returns who holds this API token, when it is neither expired nor revoked.
func (r *Register) Token(token string) (proto.Caller, bool) {
	sum := sha256.Sum256([]byte(token))
	now := r.cfg.Now()
	r.mu.RLock()
	defer r.mu.RUnlock()
	t, ok := r.fold.byToken[sum]
	if !ok || subtle.ConstantTimeCompare(t.Sha256, sum[:]) != 1 || t.Revoked || expired(t, now) {
		return proto.Caller{}, false
	}
	return proto.Caller{Name: "token:" + t.TokenId, Role: t.Role}, true
}

func expired(t *v1.TokenRegistered, now time.Time) bool {
	return t.ExpiresUs != 0 && now.UnixMicro() >= t.ExpiresUs
}

// List returns all sources by name, disabled ones too, without the hashes of their credentials.
func (r *Register) List() []*v1.SourceRegistered {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]*v1.SourceRegistered, 0, len(r.fold.sources))
	for _, name := range slices.Sorted(maps.Keys(r.fold.sources)) {
		out = append(out, withoutCredential(r.fold.sources[name].entry))
	}
	return out
}

// Tokens returns all tokens by id, revoked and expired ones too, without their hashes.
func (r *Register) Tokens() []*v1.TokenRegistered {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]*v1.TokenRegistered, 0, len(r.fold.tokens))
	for _, id := range slices.Sorted(maps.Keys(r.fold.tokens)) {
		t := clone(r.fold.tokens[id])
		t.Sha256 = nil
		out = append(out, t)
	}
	return out
}

// Holders are the callers that tokens which hold make.
func (r *Register) Holders() (all []proto.Caller) {
	now := r.cfg.Now()
	for _, t := range r.Tokens() {
		if !t.Revoked && !expired(t, now) {
			all = append(all, proto.Caller{Name: "token:" + t.TokenId, Role: t.Role})
		}
	}
	return all
}

func withoutCredential(s *v1.SourceRegistered) *v1.SourceRegistered {
	out := clone(s)
	out.CredentialSha256 = nil
	return out
}
